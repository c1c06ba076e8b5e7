"""Prints the fields of the requests that pass straight through, as src/ecs/wanted/shapes.txt has them."""

import botocore.session

REQUESTS = [
    ("ecs", "RegisterTaskDefinition"),
    ("ecs", "CreateService"),
    ("application-autoscaling", "PutScalingPolicy"),
]
WORDS = {
    "string": "text",
    "timestamp": "text",
    "integer": "whole",
    "long": "whole",
    "float": "number",
    "double": "number",
    "boolean": "flag",
}


def word(shape, found):
    """What a value is: a word, a [list], a {map}, or the name of a structure, which is found then."""
    if shape.type_name == "list":
        return f"[{word(shape.member, found)}]"
    if shape.type_name == "map":
        return f"{{{word(shape.value, found)}}}"
    if shape.type_name != "structure":
        return WORDS[shape.type_name]
    if shape.name not in found:
        found[shape.name] = ""
        fields = (f" {name}={word(member, found)}" for name, member in shape.members.items())
        found[shape.name] = "".join(fields)
    return shape.name


session = botocore.session.get_session()
found = {}
for service, request in REQUESTS:
    word(session.get_service_model(service).operation_model(request).input_shape, found)
print("".join(f"{name}{fields}\n" for name, fields in sorted(found.items())), end="")
