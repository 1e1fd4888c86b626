"""What pieces of Python define and need: of students' cells, and of the exercises' modules."""

import ast


def statements(source):
    """The statements of a piece of Python; none when it is not Python."""
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def defined(statement):
    """The names that a statement defines: imports, functions, classes and variables."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(name.asname or name.name).partition(".")[0] for name in statement.names}
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return {name for target in targets for name in named(target)}
    return set()


def named(node):
    """All names in a piece of Python."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def needed(choice, wanted, defines=defined):
    """Those of some statements that define the wanted names, and what these need, in order.

    defines: gives the names that a statement defines.
    """
    kept, wanted = [], set(wanted)
    while more := [one for one in choice if one not in kept and defines(one) & wanted]:
        kept += more
        wanted |= {name for one in more for name in named(one)}
    return [one for one in choice if one in kept]
