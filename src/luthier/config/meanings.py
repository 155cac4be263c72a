"""What each setting means, in a line: what editors show beside a key, and the documentation lists.

A key is dotted; an option is named under its section whatever method or task takes it, and with that one's name before
it where two mean different things by it. `section=name` says what a method or task is.
"""

from __future__ import annotations

from luthier.language import t


def meaning(section: str, name: str, option: str | None = None) -> str:
    """Of a key of a section, of a name that a section may take, or of that name's own option. "" where none is known,
    as of the options of PEFT's methods."""
    key = (f"{section}.{name}" if section else name) if option is None else f"{section}.{name}.{option}"
    sentence = _MEANINGS.get(key) or _MEANINGS.get(f"{section}.{option}")
    return t(sentence) if sentence else ""


def named(section: str, name: str) -> str:
    """What a method, task, remedy or augmentation is; "" where it is one of PEFT's."""
    sentence = _MEANINGS.get(f"{section}={name}")
    return t(sentence) if sentence else ""


def _means(sentence: str) -> str:
    """Marks a sentence for translation."""
    return sentence


_MEANINGS = {
    "task": _means("what is learnt, by name; told from the data where left open"),
    "model": _means(
        "the pretrained model: a hub name or a local folder; chosen by language, task and hardware where left open"
    ),
    "tuning": _means("which weights move, by the name of a method"),
    "balance": _means("what is done about rare classes, by name; auto compares the remedies from 10:1 on"),
    "augment": _means("whether training texts are changed on the way, by name"),
    "track": _means("who follows the run beside its own journal"),
    "out": _means("the run's folder; runs/<name>-<number> where left open"),
    "data.train": _means("the labelled rows; split into parts where no others are named"),
    "data.mix": _means("several training sets, each with its share of the rows that are shown"),
    "data.validation": _means("rows that choose the checkpoint, instead of a share of data.train"),
    "data.test": _means("rows that judge the result once, instead of a share of data.train"),
    "data.query": _means("what a database is asked"),
    "data.general": _means("text by which is measured what a language model forgets; none leaves that out"),
    "data.columns": _means("which column of the file holds what, as in {text: body, label: team}"),
    "data.delimiter": _means("between the cells of a text file; found out where left open"),
    "data.encoding": _means("of a text file; found out where left open"),
    "data.header": _means("whether the first row of a table names the columns"),
    "data.sheet": _means("of a workbook; the first where left open"),
    "data.documents": _means("what makes a row of a plain text file; as the task needs it where left open"),
    "data.max_bytes": _means("of a file after unpacking; larger ones are refused"),
    "data.bad_rows": _means("whether rows that cannot be read stop the run or are left out and counted"),
    "data.clean": _means("steps by which every text is cleaned, in training and whenever the model answers"),
    "data.split.test": _means("share of the rows that judge; 0.2 where neither share is named"),
    "data.split.validation": _means("share of the rows that choose the checkpoint; 0.1 where neither share is named"),
    "data.split.seed": _means("which rows fall where; train.seed where left open"),
    "data.split.by": _means("how rows are divided; told by the keys beside it where left open"),
    "data.split.group": _means("the column whose equal values stay on one side"),
    "data.split.time": _means("the column of times: the earliest train, the latest test"),
    "data.split.time_format": _means("how times are written, as strptime has it"),
    "data.split.column": _means("the column that says train, validation or test"),
    "data.split.near_duplicates": _means(
        "whether near-duplicates stay on one side; where left open, unless there are too many rows to look"
    ),
    "data.split.folds": _means("into so many parts, each of which is tested once by a run of its own"),
    "data.split.fold": _means("only this one of the folds is run"),
    "data.split.from": _means("a run whose very rows are taken again"),
    "train.epochs": _means("how often the training rows are shown; from the rows a class where left open"),
    "train.learning_rate": _means("its peak; from method, width and rows where left open"),
    "train.batch_size": _means("examples an optimiser step, over all processes"),
    "train.max_length": _means("tokens that are read of a text; so many that 99 % of the rows fit where left open"),
    "train.max_tokens": _means("of one forward pass, with padding; a larger batch is accumulated"),
    "train.packing": _means(
        "whether texts stand one after another in one row, without padding and without seeing each other"
    ),
    "train.precision": _means("in which numbers are multiplied; bf16 where the machine has it, the weights stay fp32"),
    "train.optimiser": _means("what turns gradients into steps"),
    "train.schedule": _means("how the learning rate falls after the warm-up"),
    "train.head_init": _means(
        "where a new head begins: as the untuned model has it after its position was aligned, fitted to it, "
        "or at random"
    ),
    "train.warmup": _means("share of the steps in which the learning rate rises"),
    "train.weight_decay": _means("how strongly weights are drawn towards zero"),
    "train.max_grad_norm": _means("longer gradients are cut to this length"),
    "train.gradient_checkpointing": _means("layers compute themselves once more on the way back: less memory, slower"),
    "train.compile": _means("whether the layers run as compiled kernels on a GPU; in long runs where left open"),
    "train.neftune_alpha": _means("noise on input embeddings in training (NEFTune); 5 to 15 where answers are written"),
    "train.averaging": _means("which mean of the weights is judged and kept"),
    "train.cache_bytes": _means("of disk for what frozen layers give, which then run once"),
    "train.save_every": _means("optimiser steps between checkpoints, beside one after every evaluation"),
    "train.keep": _means("so many checkpoints are kept, the best one included"),
    "train.calibrate": _means(
        "whether a temperature is fitted on the validation rows at the end; auto where it helps them"
    ),
    "train.patience": _means("evaluations without progress before an early stop; 0 never stops early"),
    "train.seed": _means("of order, dropout and new weights"),
    "train.seeds": _means("the model is trained with so many seeds; the one best on validation is kept"),
    "search.trials": _means("trainings that are tried"),
    "search.minutes": _means("no further trial starts after them"),
    "search.workers": _means("trainings at a time, each in a process of its own"),
    "search.seeds": _means("with how many the winner and the default are trained once more"),
    "search.space": _means("what is searched instead of the usual, by dotted key: a list, or low and high"),
    "search.ray": _means("a Ray cluster on which the trials run"),
    "distil.teacher": _means("a run, or a model folder, that the model is to imitate"),
    "distil.temperature": _means("softens what teacher and student say before they are compared"),
    "distil.alpha": _means("share of the imitation in the loss; the rest is the task's own"),
    "distil.hidden": _means("whether hidden states are imitated too"),
    "distil.unlabelled": _means("texts without answers of which the student learns what the teacher says"),
    "distil.layers": _means("the student begins with so many of the teacher's own layers"),
    "task=auto": _means("told from columns and first rows"),
    "task=classification": _means("one label a text, or a pair of texts"),
    "task=multilabel": _means("any number of labels a text"),
    "task=regression": _means("a number a text, or a pair of texts"),
    "task=ner": _means("entities with their places in the text"),
    "task=question_answering": _means("the answer's place in a text, or none"),
    "task=retrieval": _means("vectors by which a query finds its text"),
    "task=multitask": _means("several tasks on one encoder"),
    "task=fusion": _means("text with an image or a sound"),
    "task=sft": _means("what an assistant says in a conversation"),
    "task=seq2seq": _means("a text that comes of a text, by encoder and decoder"),
    "task=pretrain": _means("plain text, from nothing or trained further"),
    "task.both_orders": _means("learns every pair in both orders and answers with the mean of both"),
    "task.label_smoothing": _means("share of a target that is spread over all others"),
    "task.reject": _means("how to tell rows of no class: the name of the label that holds such rows, or threshold"),
    "task.keep": _means("share of the validation rows in scope that may not be refused"),
    "task.head": _means("classification or regression"),
    "task.encoder": _means("a model that reads the images or sounds"),
    "task.tune_encoder": _means("whether it learns too; else its features are computed once"),
    "task.fusion": _means("how text and medium meet: concat, gate or attention"),
    "task.modality_dropout": _means("share of the training rows from which text or medium is taken away"),
    "task.seconds": _means("of a sound that are read"),
    "task.tasks": _means("each part by its name, with its task, options and data"),
    "task.sampling": _means("every window once an epoch, or small parts more often"),
    "task.multitask.temperature": _means("of the sampling: shares as size^(1/temperature)"),
    "task.weights": _means("of the parts' losses, or uncertainty, which learns them"),
    "task.alone": _means("trains each part by itself as well, to tell what it gains by the others"),
    "task.tagging": _means("how the model tags: bio or bioes"),
    "task.samples": _means(
        "judged rows that are answered by writing; the others are only asked how likely the right answer is"
    ),
    "task.max_new_tokens": _means("of a text that is written; from the training answers where left open"),
    "task.num_beams": _means("texts that are followed at once"),
    "task.masking": _means("none predicts each token from those before it; words and tokens hide some and guess them"),
    "task.mask_share": _means("so many are hidden"),
    "task.overlap": _means("tokens of the context that two neighbouring windows share"),
    "task.max_answer": _means("most tokens of an answer; from the training answers where left open"),
    "task.threshold": _means("log odds that an answer must have over none; chosen on validation where left open"),
    "task.language": _means("by whose rules answers are compared, such as en or zh"),
    "task.pooling": _means("how the last hidden states become one vector; the model's own way where left open"),
    "task.temperature": _means("what cosines are divided by"),
    "task.negatives": _means("of each row so many hard negatives train, the first ones"),
    "task.symmetric": _means("documents must find their queries as well"),
    "task.dimensions": _means("shorter vectors, cut from the whole one, that must do too"),
    "task.query_prefix": _means("what stands before a query; what the model says where left open"),
    "task.document_prefix": _means("what stands before a document; what the model says where left open"),
    "task.choices": _means("the only texts that an answer may be; auto takes the training answers"),
    "task.prefix": _means('what stands before every input, such as "summarize: " of T5'),
    "task.source_language": _means("of a model of many languages; as the training rows are where left open"),
    "task.target_language": _means("of a model of many languages; as the training rows are where left open"),
    "task.learns": _means("what the loss is over: the assistant's answers, or all"),
    "task.template": _means("a Jinja file, or chatml; the model's own where left open"),
    "task.system": _means("what the system says where a row has it say nothing"),
    "task.thinking": _means("what the template is told of thinking; with false none is kept"),
    "task.date": _means("what a template is told that asks for the day"),
    "tuning=full": _means("every weight moves"),
    "tuning=scratch": _means("every weight moves and begins at random"),
    "tuning=head": _means("only what sits on top of the pretrained layers"),
    "tuning=last_layers": _means("the last layers, and what works on their output"),
    "tuning=gradual": _means("every weight in the end; layers thaw from the top"),
    "tuning=pattern": _means("parameters whose name matches, and the head; BitFit by default"),
    "tuning=lora": _means("low-rank updates beside linear layers"),
    "tuning=rslora": _means("lora, scaled by alpha / √r"),
    "tuning=dora": _means("lora whose direction and length learn apart"),
    "tuning=loraplus": _means("lora whose B matrices learn faster"),
    "tuning=qlora": _means("lora beside weights held in four bits; needs CUDA"),
    "tuning=few_shot": _means(
        "texts of one class are drawn together, then the head is fitted; for about ten rows a class"
    ),
    "tuning.layer_decay": _means("each layer learns at this share of the rate of the layer above it"),
    "tuning.n": _means("so many of the last layers"),
    "tuning.every": _means("epochs from one layer to the next; 0 thaws all within half of the steps"),
    "tuning.pattern": _means("a regular expression for whole names of parameters"),
    "tuning.r": _means("rank of the update"),
    "tuning.alpha": _means("the update is scaled by alpha / r"),
    "tuning.dropout": _means("on the update's input"),
    "tuning.target_modules": _means("endings of layers' names; all linear layers of the body where left open"),
    "tuning.rslora": _means("scales by alpha / √r instead"),
    "tuning.dora": _means("direction and length learn apart"),
    "tuning.loraplus": _means("the B matrices learn at so many times the rate"),
    "tuning.steps": _means("of an epoch"),
    "tuning.temperature": _means("what cosines are divided by"),
    "balance=auto": _means("compares them from 10:1 between the largest and the smallest class"),
    "balance=none": _means("every row counts alike"),
    "balance=oversample": _means("rows of rare classes are repeated"),
    "balance=undersample": _means("rows of common classes are left out, others each epoch"),
    "balance=weighted_loss": _means("every class counts alike in the loss"),
    "balance=effective_number": _means("as weighted_loss, with rows counted by what each adds beyond the others"),
    "balance=focal": _means("rows that the model has right count less"),
    "balance=logit_adjustment": _means("the loss sees logits moved by the classes' shares"),
    "balance=threshold": _means("training is left alone; decisions are moved on the validation rows"),
    "balance.ratio": _means("so many times the rows of the smallest class the largest may have"),
    "balance.beta": _means("nearer to 1 counts large classes less"),
    "balance.gamma": _means("how much less what is already right counts"),
    "balance.tau": _means("how far the shares move the logits"),
    "augment=none": _means("every row is seen as it is"),
    "augment=dropout": _means("words are left out"),
    "augment=swap": _means("neighbouring words change places"),
    "augment=mask": _means("words are replaced by what a masked language model would put there"),
    "augment.share": _means("of the words"),
    "augment.model": _means("a masked language model"),
}
