"""The words by which programs tell of each family: tables, read by `recognising`.

Sources: the messages of Go's net, crypto/tls and context packages, the JDK, Node's errno names, CPython, glibc's
strerror, PostgreSQL, MySQL, Redis, MongoDB, RabbitMQ, Kafka and nginx, as their documentation and sources word them.
Every repetition is bounded or of one class: the time a line takes follows its length.
"""

from tools.diagnosis.logs.signs import changes, dependencies, permissions, resources, symptoms
from tools.diagnosis.logs.signs.sign import Sign

__all__ = ["SIGNS", "Sign"]

SIGNS: tuple[Sign, ...] = (
    *dependencies.SIGNS,
    *permissions.SIGNS,
    *resources.SIGNS,
    *changes.SIGNS,
    *symptoms.SIGNS,
)
"""Every sign, those that name more first: a line belongs to the first sign of a family it shows."""
