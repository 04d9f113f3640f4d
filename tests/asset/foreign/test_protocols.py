"""The protocols of the authors of published sets."""

from keras_isa.asset.foreign import protocols


def test_rcig_joins_mirror_images_and_goes_on_at_the_last_rate():
    small, large = protocols.rcig(3, 10), protocols.rcig(3, 100)
    assert (small.steps, small.decay_steps, small.rows_for(10)) == (2500, 1000, 20)
    assert (large.steps, large.decay_steps, large.batch_size) == (5000, 2000, 256)
    assert small.augmentation == () and small.learning_rate == 1e-4
    assert not protocols.rcig(1, 10).flip and not protocols.rcig(3, 2000).flip


def test_rfad_trains_wide_networks_from_their_first_outputs():
    small, large = protocols.rfad(3, 10), protocols.rfad(3, 100)
    assert (small.width, small.constant_width, small.centered) == (1024, True, True)
    # Scale 8 at the start of RFAD's networks, which say four times as much.
    assert (small.label_scale, large.label_scale) == (2, 0.5)
    # More images have smaller gradients each.
    assert small.learning_rate / small.label_scale**2 < large.learning_rate / large.label_scale**2
    assert small.steps < large.steps < protocols.rfad(3, 500).steps


def test_labels_say_the_loss():
    assert protocols.dc(3, 10).loss == "cross_entropy"
    assert protocols.datm(3, 10).loss == "logit_cross_entropy"
    assert protocols.soft(3, 10).loss == "soft_cross_entropy"
    assert protocols.frepo(3, 10).loss == "squared_error"
