"""Which fields of the settings the package reads: attribute access on expressions whose type is known to be a section.

The types are those of parameters, annotations, return types and assignments. A word that only stands somewhere in the
package counts for nothing, and neither does access by another section to a field of the same name.
"""

import ast
import inspect
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

Field = tuple[type[BaseModel], str]
PYDANTIC = ("field_validator", "model_validator")


def fields_of(model: type[BaseModel]) -> set[Field]:
    """Every field of a section and of the sections in it."""
    found = {declared(model, name) for name in model.model_fields}
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            found |= fields_of(inner)
    return found


def declared(model: type[BaseModel], name: str) -> Field:
    """A field of a section, by the section that it is inherited from."""
    return next(base for base in reversed(model.__mro__) if name in getattr(base, "model_fields", ())), name


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that an annotation mentions, e.g. Factor in dict[str, Factor]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


class Usage(ast.NodeVisitor):
    """Walks modules and notes the fields that they read."""

    def __init__(self, root: type[BaseModel], modules: Iterable[str]) -> None:
        self.models = {model.__name__: model for model, _ in fields_of(root)}
        self.read: set[Field] = set()
        self._scopes: list[dict[str, Any]] = [{}]
        self._returns: dict[str, Any] = {}
        self._attributes: dict[str, Any] = {}  # of other classes, by name: `warehouse.settings`
        trees = [ast.parse(module) for module in modules]
        for tree in trees:
            self._declare(tree)
        for tree in trees:
            self._scopes = [{}]
            self._words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            self.visit(tree)
        self._read_by_methods_of_sections()

    def _declare(self, tree: ast.AST) -> None:
        """Return types of functions, and annotated attributes of classes that are no sections."""
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and (kind := self._annotation(node.returns)) is not None:
                self._returns[node.name] = kind
            if isinstance(node, ast.ClassDef) and node.name not in self.models:
                for field in (one for one in node.body if isinstance(one, ast.AnnAssign)):
                    if isinstance(field.target, ast.Name) and (kind := self._annotation(field.annotation)) is not None:
                        self._attributes[field.target.id] = kind

    def _annotation(self, node: ast.AST | None) -> Any:
        """The type that an annotation stands for, where it mentions a section."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._annotation(ast.parse(node.value, mode="eval").body)
        if isinstance(node, ast.Name | ast.Attribute):
            return self.models.get(node.id if isinstance(node, ast.Name) else node.attr)
        if isinstance(node, ast.BinOp):
            return self._annotation(node.left) or self._annotation(node.right)
        if isinstance(node, ast.Subscript):
            arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            inner = next((kind for part in reversed(arguments) if (kind := self._annotation(part)) is not None), None)
            name = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if inner is None or name in ("ResourceParam", "Annotated", "Optional", "type"):
                return inner
            return dict[str, inner] if name in ("dict", "Mapping") else list[inner]  # type: ignore[valid-type]
        return None

    def type_of(self, node: ast.AST | None) -> Any:
        """The type of an expression, where it leads to a section; notes the fields on the way."""
        if isinstance(node, ast.Name):
            return next((scope[node.id] for scope in reversed(self._scopes) if node.id in scope), None)
        if isinstance(node, ast.Attribute):
            owner = plain(self.type_of(node.value))
            if is_model(owner):
                if node.attr in owner.model_fields:
                    self.read.add(declared(owner, node.attr))
                    return owner.model_fields[node.attr].annotation
                made = inspect.getattr_static(owner, node.attr, None)
                return getattr(getattr(made, "fget", None), "__annotations__", {}).get("return")
            return self._attributes.get(node.attr)
        if isinstance(node, ast.Subscript):
            return item_of(self.type_of(node.value))
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.BoolOp | ast.IfExp):
            options = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            return next((kind for option in options if (kind := self.type_of(option)) is not None), None)
        if isinstance(node, ast.NamedExpr):
            return self.type_of(node.value)
        return None

    def _called(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Name):
            return self.models.get(node.func.id) or self._returns.get(node.func.id)
        if not isinstance(node.func, ast.Attribute):
            return None
        owner = self.type_of(node.func.value)
        if node.func.attr in ("values", "items", "get") and get_origin(plain(owner)) is dict:
            values = item_of(owner)
            return {"get": values, "values": list[values]}.get(node.func.attr, Items(values))
        if node.func.attr in ("model_copy", "model_validate", "load"):
            return owner or self._returns.get(node.func.attr)
        return self._returns.get(node.func.attr)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """A function has a scope with the types of its parameters."""
        self._in_scope(node.args, node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._in_scope(node.args, node)

    def _in_scope(self, arguments: ast.arguments, node: ast.AST) -> None:
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        self._scopes.append({one.arg: self._annotation(one.annotation) for one in given})
        self.generic_visit(node)
        self._scopes.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for name, value in zip(target.elts, node.value.elts, strict=False):
                    self._bind(name, self.type_of(value))
            else:
                self._bind(target, self.type_of(node.value))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.generic_visit(node)
        self._bind(node.target, self.type_of(node.value))

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self._bind(item.optional_vars, item_of(self.type_of(item.context_expr)))
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self._bind_items(node.target, node.iter)
        self.generic_visit(node)

    def _comprehension(self, node: Any) -> None:
        self._scopes.append({})
        for generator in node.generators:
            self._bind_items(generator.target, generator.iter)
        self.generic_visit(node)
        self._scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def _bind_items(self, target: ast.expr, iterated: ast.expr) -> None:
        called = iterated.func.id if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Name) else ""
        if isinstance(iterated, ast.Call) and called in ("enumerate", "sorted", "list", "reversed", "tuple"):
            inner = target.elts[1] if called == "enumerate" and isinstance(target, ast.Tuple) else target
            self._bind_items(inner, iterated.args[0])
            return
        kind = self.type_of(iterated)
        if isinstance(kind, Items) and isinstance(target, ast.Tuple):
            self._bind(target.elts[1], kind.value)
        else:
            self._bind(target, item_of(kind))

    def _bind(self, target: ast.AST, kind: Any) -> None:
        if isinstance(target, ast.Name) and kind is not None:
            self._scopes[-1][target.id] = kind
        if isinstance(target, ast.Attribute) and kind is not None:
            self._attributes[target.attr] = kind

    def visit_Call(self, node: ast.Call) -> None:
        """`getattr(section, name)` reads the fields that the module names as strings."""
        if (
            isinstance(node.func, ast.Name)
            and node.func.id == "getattr"
            and is_model(plain(self.type_of(node.args[0])))
        ):
            owner = plain(self.type_of(node.args[0]))
            self.read |= {(owner, name) for name in owner.model_fields if name in self._words}
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.type_of(node)
        self.generic_visit(node)

    def _read_by_methods_of_sections(self) -> None:
        """What properties and methods of sections read of themselves; validators only validate."""
        for model in self.models.values():
            (definition,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(model))).body
            for method in definition.body if isinstance(definition, ast.ClassDef) else []:
                if isinstance(method, ast.FunctionDef) and not any(name in ast.dump(method) for name in PYDANTIC):
                    self._scopes.append({"self": model})
                    self.generic_visit(method)
                    self._scopes.pop()


class Items:
    """The type of what `.items()` of a dict of sections returns."""

    def __init__(self, value: Any) -> None:
        self.value = value


def plain(annotation: Any) -> Any:
    """Without Annotated, and without None."""
    if get_origin(annotation) is Annotated:
        return plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return next((plain(one) for one in get_args(annotation) if one is not type(None)), None)
    return annotation


def item_of(annotation: Any) -> Any:
    """What a dict or list of the type holds."""
    arguments = get_args(plain(annotation))
    return arguments[-1] if arguments and get_origin(plain(annotation)) in (dict, list, tuple) else None


def is_model(annotation: Any) -> bool:
    """Whether it is a section."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
