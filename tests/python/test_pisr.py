"""Tests of the Python package; PISR_UPSCALE names the program whose bytes its results must have."""

import os
import pathlib
import subprocess
import threading

import numpy as np
import pytest

import pisr

RANDOM = np.random.default_rng(1)


def noise(*shape, dtype=np.uint8):
    if dtype == np.float32:
        return RANDOM.random(shape, dtype=np.float32)
    return RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def write_pam(path, array):
    """Portable arbitrary map: big-endian samples behind a header."""
    h, w, c = array.shape
    kind = {1: "GRAYSCALE", 2: "GRAYSCALE_ALPHA", 3: "RGB", 4: "RGB_ALPHA"}[c]
    most = np.iinfo(array.dtype).max
    head = f"P7\nWIDTH {w}\nHEIGHT {h}\nDEPTH {c}\nMAXVAL {most}\nTUPLTYPE {kind}\nENDHDR\n"
    path.write_bytes(head.encode() + array.astype(array.dtype.newbyteorder(">")).tobytes())


def read_pam(path, dtype):
    head, samples = path.read_bytes().split(b"ENDHDR\n", 1)
    fields = dict(line.split(None, 1) for line in head.decode().splitlines()[1:])
    shape = [int(fields[name]) for name in ("HEIGHT", "WIDTH", "DEPTH")]
    return np.frombuffer(samples, np.dtype(dtype).newbyteorder(">")).reshape(shape).astype(dtype)


@pytest.mark.skipif("PISR_UPSCALE" not in os.environ, reason="PISR_UPSCALE names no pisr_upscale")
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bytes_of_pisr_upscale(tmp_path, scale, channels, dtype):
    image = noise(13, 21, channels, dtype=dtype)
    write_pam(tmp_path / "in.pam", image)
    command = [os.environ["PISR_UPSCALE"], "-q", "-s", str(scale), "-i", tmp_path / "in.pam", "-o", tmp_path / "out.pam"]
    subprocess.run(command, check=True)
    np.testing.assert_array_equal(pisr.upscale(image, scale=scale), read_pam(tmp_path / "out.pam", dtype))


def test_shapes_and_types():
    for dtype in (np.uint8, np.uint16, np.float32):
        for shape in ((5, 7), (5, 7, 1), (1, 1, 3), (4, 9, 4)):
            image = noise(*shape, dtype=dtype)
            large = pisr.upscale(image, 3)
            assert large.dtype == dtype
            assert large.shape == (3 * shape[0], 3 * shape[1], *shape[2:])
    grey = noise(6, 8)
    np.testing.assert_array_equal(pisr.upscale(grey), pisr.upscale(grey[:, :, None])[:, :, 0])


def test_any_strides():
    image = noise(20, 30, 4)
    for view in (image[::2, ::3], image[::-1], image[:, ::-1, :3], image.transpose(1, 0, 2), image[..., 1]):
        np.testing.assert_array_equal(pisr.upscale(view), pisr.upscale(np.ascontiguousarray(view)))
    read_only = image.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(pisr.upscale(read_only), pisr.upscale(image))


def test_float_is_what_integers_were_before_rounding():
    image = noise(9, 8, 3)
    large = pisr.upscale(image.astype(np.float32) / 255)
    rounded = np.floor(np.clip(large.astype(np.float64), 0, 1) * 255 + 0.5)
    assert np.abs(rounded - pisr.upscale(image).astype(np.float64)).max() <= 1
    assert np.mean(rounded == pisr.upscale(image)) > 0.999


def test_options_do_not_change_the_result():
    image = noise(70, 20, 3)
    wanted = pisr.upscale(image)
    weights = pisr.Weights.builtin(2)
    for options in ({"threads": 1}, {"threads": 3, "memory": 1}, {"tile": 16}):
        np.testing.assert_array_equal(pisr.Upscaler(weights, **options)(image), wanted)
    assert (pisr.Upscaler(weights, self_ensemble=True)(image) != wanted).any()


def test_progress_and_what_it_raises():
    upscaler = pisr.Upscaler(pisr.Weights.builtin(2), memory=1)
    calls = []
    upscaler(noise(200, 8), progress=lambda done, rows: calls.append((done, rows)))
    assert len(calls) > 2 and calls[-1] == (200, 200)

    def stop(done, rows):
        raise KeyError("enough")

    with pytest.raises(KeyError):
        upscaler(noise(200, 8), progress=stop)


def test_threads_share_an_upscaler():
    upscaler = pisr.Upscaler(pisr.Weights.builtin(2), threads=1)
    image = noise(64, 64, 3)
    wanted = upscaler(image)
    wrong = []

    def work():
        for _ in range(5):
            if not np.array_equal(upscaler(image), wanted):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_weights(tmp_path):
    weights = pisr.Weights.builtin(4)
    assert (weights.scale, weights.channels) == (4, 1)
    assert weights.parameter_count > 0 and weights.title in repr(weights)
    image = noise(8, 9, 3)
    for name in pisr.Weights.builtin_names():
        network = pisr.load(pathlib.Path(__file__).parents[2] / "pisr" / "weights" / f"{name}.safetensors")
        model, _, scale = name.rpartition("_x")
        assert network.scale == int(scale)
        np.testing.assert_array_equal(network(image), pisr.upscale(image, network.scale, model=model))
    (tmp_path / "bad.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(pisr.Error, match="bad.safetensors"):
        pisr.load(tmp_path / "bad.safetensors")
    with pytest.raises(pisr.Error):
        pisr.load(tmp_path / "none.safetensors")
    with pytest.raises(pisr.Error, match="scale 5"):
        pisr.Weights.builtin(5)


def test_wrong_arrays():
    for image in (noise(5), noise(2, 3, 4, 1), noise(4, 4, 5), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError):
            pisr.upscale(image)
    for image in (np.zeros((4, 4), np.float64), np.zeros((4, 4), np.int8), np.zeros((4, 4), bool), None, "image"):
        with pytest.raises(TypeError):
            pisr.upscale(image)
    with pytest.raises(pisr.Error):
        pisr.upscale(np.full((4, 4), np.nan, np.float32))
    with pytest.raises(ValueError, match="threads"):
        pisr.upscale(noise(4, 4), threads=-1)


def test_memory_does_not_grow():
    def resident():
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not pathlib.Path("/proc/self/statm").exists():
        pytest.skip("no /proc")
    upscaler = pisr.Upscaler(pisr.Weights.builtin(2), threads=1)
    for i in range(1000):
        upscaler(noise(*RANDOM.integers(1, 64, 2), dtype=np.uint8))
        if i == 300:
            before = resident()
    assert resident() - before < 4 << 20


def test_version():
    assert pisr.__version__.count(".") == 2
