"""The models: one asset each, read from their headers, so that the graph shown is the graph that runs."""

from her_models import warehouse
from pipelines.assets.tables import model_spec

MODELS = [model_spec(model) for model in warehouse.mart_models().values()]
