from keras_isa.datasets.image_formats import readable_formats, readable_suffixes


def test_rasters_and_nothing_else():
    assert {"JPEG", "PNG", "TIFF", "WEBP", "JPEG2000"} <= set(readable_formats())
    assert not {"EPS", "PDF", "WMF", "HDF5"} & set(readable_formats())
    usual = {".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".tif", ".webp", ".jp2", ".pnm", ".mpo"}
    assert usual <= readable_suffixes()
    assert not {".pdf", ".ps", ".eps", ".h5", ".mpg", ".wmf", ".txt", ""} & readable_suffixes()
