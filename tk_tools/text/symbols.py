"""The table of symbols that StyleTTS 2's published networks were trained on: 178 entries, the place of each is its id.

Source: yl4579/StyleTTS2, text_utils.py. A character of the table is a symbol; what the table lacks the networks never
saw, so it is left out.
"""

from __future__ import annotations

PAD = "$"  # 0: before each utterance, and in training behind it
MARKS = ';:,.!?¡¿—…"«»“” '
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# International phonetic alphabet; the apostrophe stands in it twice, as published.
IPA = (
    "ɑɐɒæɓʙβɔɕçɗɖðʤəɘɚɛɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰŋɳɲɴøɵɸθœɶʘɹɺɾɻʀʁɽʂʃʈʧʉʊʋⱱʌɣɤʍχʎʏʑʐʒʔʡʕʢǀǁǂǃˈˌːˑʼʴʰʱʲʷˠˤ˞↓↑→↗↘'\u0329'ᵻ"
)
SYMBOLS = (PAD, *MARKS, *LETTERS, *IPA)
INDEX = {symbol: place for place, symbol in enumerate(SYMBOLS)}  # the later of the two apostrophes, 176
