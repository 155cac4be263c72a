"""What a model does to its logits after the output layer, found by watching it once, so that it can be done to any
other positions as well.

Some architectures scale the logits, cap them with a tanh or add a bias, and no two say so in the same words. So the
calls between the output layer and the model's own logits are written down as they happen, and made again on others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map_only


class AfterHead(TorchFunctionMode):
    """The calls of torch that depend on what the output layer gave. Switched on by `begin`."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[tuple[Callable[..., Any], Any, Any, int]] = []
        self._known: list[Tensor] = []
        self._made: list[tuple[Tensor, Tensor]] = []
        self._last = 0
        self._on = False

    def begin(self, given: Tensor) -> None:
        """given: what came out of the output layer."""
        self._calls, self._known, self._made = [], [given], []
        if not self._on:
            self.__enter__()
        self._on = True

    def stop(self) -> None:
        """Whatever happened: the model is left."""
        if self._on:
            self.__exit__(None, None, None)
        self._on = False

    def end(self, logits: Tensor) -> None:
        """logits: the model's own. Errors: LookupError where they do not come from the output layer."""
        self._last = self._number(logits)
        if self._last < 0:
            raise LookupError("the logits do not come from the output layer")

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        inputs, _ = tree_flatten((args, kwargs or {}))
        if isinstance(result, Tensor) and any(isinstance(v, Tensor) and self._number(v) >= 0 for v in inputs):
            if self._number(result) < 0:  # else in place, or nothing at all
                self._known.append(result)
            remembered = tree_map_only(Tensor, self._marked, (args, kwargs or {}))
            self._calls.append((func, *remembered, self._number(result)))
        return result

    def learning(self, logits: Tensor) -> list[tuple[Tensor, Tensor]]:
        """What has a gradient by the logits, and what stands for it when the calls are made again: parameters of the
        output layer and behind it stand for themselves; a tensor that was made of parameters elsewhere has a copy
        without a past. The output layer must have been given states without a graph."""
        found = {id(made): (made, copy) for made, copy in self._made}
        met: set[Any] = {made.grad_fn for made, _ in self._made}
        waiting: list[Any] = [logits.grad_fn]
        while waiting:
            node = waiting.pop()
            if node is None or node in met:
                continue
            met.add(node)
            if hasattr(node, "variable"):  # the end of a path: a tensor that collects its gradient
                found[id(node.variable)] = (node.variable, node.variable)
            waiting += [next_node for next_node, _ in node.next_functions]
        return list(found.values())

    def __call__(self, given: Tensor) -> Tensor:
        """The same calls, on another output of the layer."""
        values: dict[int, Tensor] = {0: given}
        for func, args, kwargs, number in self._calls:
            called = tree_map_only(_Mark, lambda mark: values[mark.number], (args, kwargs))
            values[number] = func(*called[0], **called[1])
        return values[self._last]

    def _marked(self, tensor: Tensor) -> Any:
        number = self._number(tensor)
        if number >= 0:
            return _Mark(number)
        if tensor.grad_fn is None:
            return tensor
        for made, copy in self._made:
            if made is tensor:
                return copy
        self._made.append((tensor, tensor.detach().requires_grad_()))
        return self._made[-1][1]

    def _number(self, tensor: Tensor) -> int:
        return next((i for i, known in enumerate(self._known) if known is tensor), -1)


class _Mark:
    """Stands for a tensor that depends on the output layer."""

    def __init__(self, number: int) -> None:
        self.number = number
