# The root of transformers star-imports its 450 model packages, 3,000 files; pyright would read them all, for 15 s.
# Here are the names that this repository takes from it, each from its own file. A new one is named here as well.
from typing import Any

from transformers import utils as utils
from transformers.configuration_utils import PreTrainedConfig as PreTrainedConfig
from transformers.data.data_collator import DataCollatorForTokenClassification as DataCollatorForTokenClassification
from transformers.data.data_collator import DataCollatorWithPadding as DataCollatorWithPadding
from transformers.data.data_collator import default_data_collator as default_data_collator
from transformers.masking_utils import AttentionMaskInterface as AttentionMaskInterface
from transformers.modeling_utils import AttentionInterface as AttentionInterface
from transformers.modeling_utils import PreTrainedModel as PreTrainedModel
from transformers.models.auto.feature_extraction_auto import AutoFeatureExtractor as AutoFeatureExtractor
from transformers.models.auto.image_processing_auto import AutoImageProcessor as AutoImageProcessor
from transformers.models.auto.tokenization_auto import AutoTokenizer as AutoTokenizer
from transformers.models.bert.configuration_bert import BertConfig as BertConfig
from transformers.models.bert.modeling_bert import BertForMaskedLM as BertForMaskedLM
from transformers.models.bert.modeling_bert import BertForSequenceClassification as BertForSequenceClassification
from transformers.models.bert.modeling_bert import BertModel as BertModel
from transformers.models.convnext.configuration_convnext import ConvNextConfig as ConvNextConfig
from transformers.models.convnext.modeling_convnext import ConvNextModel as ConvNextModel
from transformers.models.distilbert.configuration_distilbert import DistilBertConfig as DistilBertConfig
from transformers.models.distilbert.modeling_distilbert import (
    DistilBertForSequenceClassification as DistilBertForSequenceClassification,
)
from transformers.models.modernbert.configuration_modernbert import ModernBertConfig as ModernBertConfig
from transformers.models.modernbert.modeling_modernbert import ModernBertModel as ModernBertModel
from transformers.models.mt5.modeling_mt5 import MT5ForTokenClassification as MT5ForTokenClassification
from transformers.models.roberta.configuration_roberta import RobertaConfig as RobertaConfig
from transformers.models.roberta.modeling_roberta import (
    RobertaForSequenceClassification as RobertaForSequenceClassification,
)
from transformers.models.t5.modeling_t5 import T5ForTokenClassification as T5ForTokenClassification
from transformers.models.umt5.modeling_umt5 import UMT5ForTokenClassification as UMT5ForTokenClassification
from transformers.tokenization_utils_base import PreTrainedTokenizerBase as PreTrainedTokenizerBase
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast as PreTrainedTokenizerFast
from transformers.trainer import Trainer as Trainer
from transformers.training_args import TrainingArguments as TrainingArguments
from transformers.utils import logging as logging

from .models.gpt2.configuration_gpt2 import GPT2Config as GPT2Config
from .models.gpt2.modeling_gpt2 import GPT2ForSequenceClassification as GPT2ForSequenceClassification
from .models.gpt2.modeling_gpt2 import GPT2LMHeadModel as GPT2LMHeadModel

__version__: str

# what these make is of a class that nobody knows beforehand; asked for it, pyright reads all model packages for 20 s
class AutoConfig:
    @classmethod
    def for_model(cls, model_type: str, *args: Any, **kwargs: Any) -> PreTrainedConfig: ...
    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str, **kwargs: Any) -> Any: ...
    @staticmethod
    def register(model_type: str, config: type[PreTrainedConfig], exist_ok: bool = False) -> None: ...

class _AutoModel:
    @classmethod
    def from_config(cls, config: Any, **kwargs: Any) -> Any: ...
    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str, *args: Any, **kwargs: Any) -> Any: ...
    @classmethod
    def register(cls, config_class: Any, model_class: Any, exist_ok: bool = False) -> None: ...

class AutoModel(_AutoModel): ...
class AutoModelForQuestionAnswering(_AutoModel): ...
class AutoModelForSequenceClassification(_AutoModel): ...
class AutoModelForTokenClassification(_AutoModel): ...
