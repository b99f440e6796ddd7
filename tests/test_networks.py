"""Numbers of each layer of some networks, against the experiments that they come from."""

from functools import partial

import numpy as np
import pytest

from corrlib import metrics
from corrlib.experiments import alignment, classification, prediction, visualization
from corrlib.experiments.alignment.evaluation import flow_errors
from corrlib.experiments.prediction.evaluation import predict
from corrlib.publishing import networks, plots


def made(value, low, high):
    """Every number of a network, all the same."""
    layer = {"value": np.array([value, low, high]), "over SIFT": np.array([value, low, high])}
    rows = [*networks.NAMES, *networks.SIFT.values(), "conv5+prior", "NN transfer"]
    return {experiment: dict.fromkeys(rows, layer) for experiment in networks.TITLES}


def test_numbers_are_those_of_the_experiments(world, network, own_cache):
    settings = classification.Settings().resolve(world, network)
    predicted = classification.classify(world, network, settings, ["conv3"])["conv3"]
    measured = networks.naming(world, network, ["conv3"])
    np.testing.assert_allclose(measured["conv3"]["value"], classification.mean_accuracy(predicted, settings))
    difference = measured["conv3"]["value"][0] - measured["SIFT 40"]["value"][0]
    assert measured["conv3"]["over SIFT"][0] == pytest.approx(difference)
    chosen = visualization.Settings(database_images=5).resolve(world, network)
    rebuilt = visualization.reconstruct(world, network, chosen, "conv4")
    own = [rebuilt[i] for i in visualization.scored(world, chosen)]
    expected = visualization.scores(own, 5)["detail"]["difference"]
    found = networks.detail(world, network, ["conv4"], images=5)["conv4"]["value"]
    np.testing.assert_array_equal(found, expected)


def test_random_weights_keep_the_shape_and_the_preprocessing(network):
    first, again, other = (networks.random_weights(network, seed=seed) for seed in (0, 0, 1))
    assert first.digest == again.digest != other.digest and first.preprocessing == network.preprocessing
    assert first.receptive_fields == network.receptive_fields
    weight, bias = first.parameters("conv2")
    assert weight.shape == network.parameters("conv2")[0].shape and not bias.any()
    assert float(weight.std()) == pytest.approx((2 / np.prod(weight.shape[1:])) ** 0.5, rel=0.1)


def test_claims_are_judged_by_the_interval():
    rows = networks.claims({"ahead": made(3.0, 1.0, 5.0), "behind": made(-3.0, -5.0, -1.0)})
    assert len(rows) == len(networks.CLAIMS)
    assert all("supported" in row["ahead"] and "contradicted" in row["behind"] for row in rows)
    assert "+3.0 [1.0,\u00a05.0]" in rows[2]["ahead"].replace("[+", "[").replace("\u00a0+", "\u00a0")


def test_tables_and_figures_hold_every_layer_and_sift():
    measured = {"A": made(3.0, 1.0, 5.0), "B": made(2.0, 1.0, 5.0)}
    rows = networks.table(measured, ["naming"])
    assert [row["network"] for row in rows] == ["A"] * 5 + ["B"] * 5 + ["SIFT"]
    assert rows[5]["classification, accuracy"][0] == 2 and rows[-1]["classification, accuracy"][0] == 3
    figure = plots.by_depth(*networks.panels(measured))
    assert len(figure.axes) == 4 and figure.axes[1].get_title() == "alignment, PCK"
    still = {"A": measured["A"] | {"aligning": {"conv1": {"no flow": True}, "conv2": {"no flow": False}}}}
    assert networks.still(still).startswith("With conv1 of A, most pairs do not move") and not networks.still(
        measured
    )
    said = networks.unlearned(made(0.1, 0.0, 0.2), made(0.2, 0.1, 0.3))
    assert said.startswith("At conv1, conv2, conv3, conv4, conv5, SIFT")
    assert "At every layer, the detail score is higher" in networks.unlearned(
        made(0.3, 0.0, 0.4), made(0.2, 0.1, 0.3)
    )
    said = networks.in_words(measured, measured, "figurines").replace("\u00a0", " ")
    reached = "3.0 [1.0, 5.0] % for A (conv1) and 2.0 [1.0, 5.0] % for B (conv1)"
    assert f"the best layers reach {reached}; in classification, {reached}; in prediction, {reached}." in said


@pytest.fixture
def small(monkeypatch):
    """One category, few neighbours and betas."""
    less = dict(category="bus", neighbors=3, betas=[1e-6, 1e-5, 1e-4, 1e-3])
    monkeypatch.setattr(networks.alignment, "Settings", partial(alignment.Settings, **less))
    monkeypatch.setattr(networks.prediction, "Settings", partial(prediction.Settings, category="bus"))


def test_prediction_is_measured_without_the_prior_and_with_it(world, network, own_cache, small):
    measured = networks.predicting(world, network, ["conv5"])
    settings = networks.prediction.Settings(layer="conv5").resolve(world, network)
    _, (alone, prior) = predict(world, network, settings, "conv5", [None, settings.eta])
    assert list(measured) == ["conv5", "SIFT", "conv5+prior", "SIFT+prior"]
    for name, errors in (("conv5", alone), ("conv5+prior", prior)):
        np.testing.assert_allclose(measured[name]["value"], 100 * metrics.estimate(errors, [0.1])[0])


def test_flows_have_the_best_beta_on_the_training_set(world, network, own_cache, small):
    measured = networks.aligning(world, network, ["conv4"], limit=2, validated=2)
    assert list(measured) == ["conv4", "SIFT", "NN transfer"] and measured["NN transfer"]["beta"] is None
    settings = networks.alignment.Settings().resolve(world, network)

    def pck(beta, **where):
        errors = flow_errors(world, network, settings, feature="conv4", beta=beta, limit=2, **where)
        return metrics.mean_pck(errors, np.array(metrics.ALPHAS))

    best = max(settings.betas, key=lambda beta: pck(beta, split="train").mean())
    assert measured["conv4"]["beta"] == best
    assert measured["conv4"]["value"][0] == pytest.approx(100 * pck(best)[list(metrics.ALPHAS).index(0.1)])
