"""Lists of recordings that tests of training make: buzzing voices, and strings of phonemes that nobody says."""

from pathlib import Path

from tests.models.hifigan.sounds import write_voice

TEXTS = ("ðɪs ɪz ɐ tˈɛst .", "wˈʌn mˈɔːɹ , plˈiːz .", "ðə lˈæst lˈaɪn", "ænd ɐnˈʌðɚ")


def write_list(folder: Path, count: int = 4, seconds: float = 0.8, speakers: int = 1, rate: int = 24000) -> Path:
    """folder/made.phonemes.txt of `count` recordings N.wav beside it, each a little longer than the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(count):
        write_voice(folder / f"{number}.wav", seconds + 0.05 * number, rate=rate, seed=number)
        lines.append(f"{number}.wav|{TEXTS[number % len(TEXTS)]}|voice{number % speakers}\n")
    path = folder / "made.phonemes.txt"
    path.write_text("".join(lines), encoding="utf-8")
    return path
