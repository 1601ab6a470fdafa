"""StepFun's API, one module a family: what is sent, what comes back, and the resources that hang on the clients."""
