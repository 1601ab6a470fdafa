"""How StepFun is spoken to: calls described, decided on, and made. Nothing here knows a single endpoint."""
