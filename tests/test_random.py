"""rushlight.random: states, and leaving them as they were."""

import pytest

import rushlight as rl


def test_a_fork_leaves_the_random_numbers_as_they_were():
    rl.manual_seed(5)
    expected = rl.rand(3).tolist()
    rl.manual_seed(5)
    with rl.random.fork_rng():
        assert rl.rand(3).tolist() == expected
        rl.manual_seed(6)
    assert rl.rand(3).tolist() == expected
    rl.manual_seed(5)
    with pytest.raises(ZeroDivisionError), rl.random.fork_rng():
        rl.rand(1)
        _ = 1 / 0
    assert rl.rand(3).tolist() == expected
    rl.manual_seed(5)
    with rl.random.fork_rng(enabled=False):
        rl.rand(3)
    assert rl.rand(3).tolist() != expected


def test_states_are_tensors():
    state = rl.Generator().manual_seed(3).get_state()
    assert isinstance(state, rl.Tensor) and state.dtype == rl.uint8 and state.shape == (5056,)
    generator = rl.Generator()
    generator.set_state(state)
    assert rl.rand(4, generator=generator).tolist() == rl.rand(4, generator=rl.Generator().manual_seed(3)).tolist()


def test_no_generator_of_a_thread_outside_of_a_dataloader():
    assert rl.random.thread_safe_generator() is None


class Drawn(rl.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return rl.rand(1, generator=rl.random.thread_safe_generator())


def test_threads_that_load_data_have_generators_of_their_own():
    rl.manual_seed(0)
    before = rl.get_rng_state()
    loader = rl.utils.data.DataLoader(Drawn(), num_workers=2, multiprocessing_context="thread")
    first = [batch.item() for batch in loader]
    assert len(set(first)) == 4
    rl.set_rng_state(before)
    assert [batch.item() for batch in loader] == first
