import re

from keras_isa.studies.page import render

VALUES = {
    "study": "module",
    "title": "Does <it> help?",
    "question": "So & so?",
    "source": "Table 4",
    "command": "keras-isa study module 'a<b'",
    "dataset": "digits",
    "judged_on": "1 network trained on each set, scored on 1,360 test images",
    "method": "frepo",
    "settings": {"images_per_class": 1, "isa_interval": [0, 0.5]},
    "repeats": 1,
    "seeds": [0],
    "seeds_asked": 1,
    "columns": [["setting", "setting", "text"], ["gain", "points", "points"]],
    "rows": [{"setting": "plain", "gain": None}, {"setting": "both", "gain": 0.01}],
    "sentences": ["It is <so>."],
    "claims": [{"text": "it helps", "verdict": "undecided"}],
    "seconds": 3.2,
    "device": "a CPU",
    "versions": {"python": "3.13"},
}


def test_a_page_has_everything_in_it():
    page = render(VALUES, b"\x89PNG")
    assert "<h1>Does &lt;it&gt; help?</h1>" in page and "<it>" not in page and "a<b" not in page
    assert "digits, 1 per class, frepo, one seed, which shows no spread; 1 network trained" in page
    assert "scored on 1,360 test images" in page and "In the paper: Table 4." in page
    assert "<strong>Undecided:</strong> it helps" in page
    assert 'alt="Does &lt;it&gt; help?: It is &lt;so&gt;."' in page
    assert re.search(r'<td>both</td><td class="number">\+1.00</td>', page)
    assert "[0, 0.5]" in page and "--page" in page  # settings, and the style of reports
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(addresses) == 2 and all(one.startswith("data:") for one in addresses)


def test_several_seeds_and_counts():
    more = {"seeds": [0, 1], "seeds_asked": 5}
    settings = {"images_per_class": [1, 4]}
    page = render({**VALUES, **more, "settings": settings, "claims": [], "rows": []}, b"")
    assert "1 to 4 per class, frepo, 2 seeds of 5; 1 network" in page
    assert "<table>\n<thead>" not in page
