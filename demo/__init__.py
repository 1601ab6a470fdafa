"""The main job in one command: an agent on StepFun that thinks, calls tools and looks at a picture."""
