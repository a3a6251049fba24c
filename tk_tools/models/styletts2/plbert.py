"""PL-BERT: what a sentence of phonemes means, by an ALBERT that was trained on phonemes of written text.

The network is that of the package transformers, an optional extra. Source: Li et al., "Phoneme-Level BERT for Enhanced
Prosody of Text-to-Speech with Grapheme Predictions", ICASSP 2023; yl4579/StyleTTS2, Utils/PLBERT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from tk_tools.errors import MissingPackage
from tk_tools.models.styletts2.sizes import BertSizes, Sizes
from tk_tools.nets.padding import padding_mask

if TYPE_CHECKING:
    from transformers import AlbertModel


def new_plbert(sizes: Sizes = Sizes()) -> AlbertModel:
    """A PL-BERT of these sizes, untrained. MissingPackage: transformers."""
    try:
        from transformers import AlbertConfig, AlbertModel
    except ImportError:
        raise MissingPackage(
            "StyleTTS 2 needs the package transformers; get it with: pip install '.[styletts2]'"
        ) from None
    bert = sizes.bert
    config = AlbertConfig(
        vocab_size=sizes.symbols,
        embedding_size=bert.embedding,
        hidden_size=bert.width,
        num_attention_heads=bert.heads,
        intermediate_size=bert.inner,
        num_hidden_layers=bert.layers,
        max_position_embeddings=bert.positions,
        hidden_dropout_prob=0.0,  # the published configuration asks for 0.1 under a name that nothing reads
        attention_probs_dropout_prob=0.0,
    )
    return AlbertModel(config)


def sizes_of_plbert(bert: AlbertModel) -> BertSizes:
    """Its sizes."""
    config = bert.config
    return BertSizes(
        width=config.hidden_size,
        heads=config.num_attention_heads,
        inner=config.intermediate_size,
        embedding=config.embedding_size,
        positions=config.max_position_embeddings,
        layers=config.num_hidden_layers,
    )


def understand(bert: AlbertModel, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Ids (B, T) int64 and their counts (B,) -> (B, T, width); what stands on padding means nothing."""
    padding = padding_mask(lengths, tokens.shape[1])
    return bert(tokens, attention_mask=(~padding).int()).last_hidden_state
