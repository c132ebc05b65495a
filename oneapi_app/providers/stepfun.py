"""StepFun."""

from oneapi_app.providers.openai_like import openai_like

PROVIDER = openai_like(
    32,
    "stepfun",
    "阶跃星辰",
    "https://api.stepfun.com",
    owned_by="stepfun",
    docs_url="https://platform.stepfun.com/docs",
)
