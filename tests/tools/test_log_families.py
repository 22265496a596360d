"""What lines of logs say about why something fails, and the many lines that say nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.diagnosis.logs import Family, recognise
from tools.evidence import Role

F = Family
SAY: list[tuple[Family, str | None, str]] = [
    # connections
    (F.CONNECTION_REFUSED, "10.0.0.5:5432", "dial tcp 10.0.0.5:5432: connect: connection refused"),
    (F.CONNECTION_REFUSED, "127.0.0.1:6379", "Error: connect ECONNREFUSED 127.0.0.1:6379"),
    (
        F.CONNECTION_REFUSED,
        "db:5432",
        'psycopg.OperationalError: connection to server at "db" (10.96.4.1), port 5432 failed: Connection refused',
    ),
    (
        F.CONNECTION_REFUSED,
        "orders-db:5432",
        "org.postgresql.util.PSQLException: Connection to orders-db:5432 refused.",
    ),
    (
        F.CONNECTION_REFUSED,
        "10.4.0.9:8080",
        "2026/11/21 09:14:05 [error] 7#7: *91 connect() failed (111: Connection refused) while connecting to upstream, "
        'client: 10.4.0.1, server: _, request: "GET /cart HTTP/1.1", upstream: "http://10.4.0.9:8080/cart"',
    ),
    (
        F.CONNECTION_REFUSED,
        "payments:80",
        "requests.exceptions.ConnectionError: HTTPConnectionPool(host='payments', port=80): Max retries exceeded with "
        "url: /v1/charge (Caused by NewConnectionError('Failed to establish a new connection: [Errno 111] Connection "
        "refused'))",
    ),
    (F.CONNECTION_REFUSED, "redis.shop:6379", "Could not connect to Redis at redis.shop:6379: Connection refused"),
    (F.CONNECTION_REFUSED, "mysql", "ERROR 2003 (HY000): Can't connect to MySQL server on 'mysql' (111)"),
    (F.CONNECTION_REFUSED, "api:8080", "curl: (7) Failed to connect to api port 8080: Connection refused"),
    (
        F.CONNECTION_REFUSED,
        "kafka-0:9092",
        "[2026-11-21 09:14:05,331] WARN [Producer] Connection to node 1 (kafka-0:9092) failed: connection refused",
    ),
    (F.CONNECTION_LOST, "10.2.3.4:443", "read tcp 10.0.0.9:41234->10.2.3.4:443: read: connection reset by peer"),
    (F.CONNECTION_LOST, None, "Error: socket hang up"),
    (F.CONNECTION_LOST, None, "psycopg2.OperationalError: server closed the connection unexpectedly"),
    (F.CONNECTION_LOST, None, "BrokenPipeError: [Errno 32] Broken pipe"),
    (F.TIMEOUT, "10.2.3.4:443", "dial tcp 10.2.3.4:443: i/o timeout"),
    (F.TIMEOUT, "redis:6379", "redis.exceptions.TimeoutError: Timeout connecting to server redis:6379: timed out"),
    (F.TIMEOUT, None, "java.net.SocketTimeoutException: Read timed out"),
    (F.TIMEOUT, None, 'level=error msg="charge failed" err="context deadline exceeded"'),
    (F.TIMEOUT, None, "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
    (
        F.TIMEOUT,
        "payments.internal",
        "AxiosError: timeout of 5000 ms exceeded while calling https://payments.internal/v1",
    ),
    (F.UNREACHABLE, "10.9.9.9:443", "dial tcp 10.9.9.9:443: connect: no route to host"),
    # names
    (F.DNS, "postgres", "dial tcp: lookup postgres on 10.96.0.10:53: no such host"),
    (F.DNS, "payments.shop.svc.cluster.local", "lookup payments.shop.svc.cluster.local: i/o timeout"),
    (F.DNS, "redis", "Error: getaddrinfo EAI_AGAIN redis"),
    (F.DNS, "db.shop.svc", "Error: getaddrinfo ENOTFOUND db.shop.svc"),
    (F.DNS, "payments", "Caused by: java.net.UnknownHostException: payments"),
    (F.DNS, "db-typo", 'could not translate host name "db-typo" to address: Name or service not known'),
    (F.DNS, None, "socket.gaierror: [Errno -3] Temporary failure in name resolution"),
    (F.DNS, "auth", '[emerg] 1#1: host not found in upstream "auth" in /etc/nginx/conf.d/default.conf:12'),
    (F.DNS, "api.shop", "curl: (6) Could not resolve host: api.shop"),
    # certificates
    (
        F.TLS,
        "api.partner.example",
        "Get https://api.partner.example/v1: x509: certificate has expired or is not yet valid",
    ),
    (F.TLS, None, "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    (
        F.TLS,
        None,
        "javax.net.ssl.SSLHandshakeException: PKIX path building failed: unable to find valid certification path",
    ),
    (F.TLS, "db.internal", "x509: certificate is valid for db.example, not db.internal"),
    (F.TLS, None, "Error: self-signed certificate in certificate chain"),
    (F.TLS, None, "ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1129)"),
    # who and what may
    (
        F.LOGIN_REFUSED,
        "db:5432",
        'connection to server at "db", port 5432 failed: FATAL:  password authentication failed for user "app"',
    ),
    (F.LOGIN_REFUSED, None, "Access denied for user 'app'@'10.0.0.4' (using password: YES)"),
    (F.LOGIN_REFUSED, None, "ReplyError: WRONGPASS invalid username-password pair or user is disabled."),
    (F.LOGIN_REFUSED, None, "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation"),
    (F.LOGIN_REFUSED, None, "ERROR upload failed: 401 Unauthorized"),
    (
        F.NOT_PERMITTED,
        "s3:GetObject",
        "AccessDenied: User: arn:aws:sts::123456789012:assumed-role/web is not authorized to perform: s3:GetObject",
    ),
    (
        F.NOT_PERMITTED,
        'list resource "pods" in API group "" in the namespace "shop"',
        'pods is forbidden: User "system:serviceaccount:shop:web" cannot list resource "pods" in API group "" in the '
        'namespace "shop"',
    ),
    (F.NOT_PERMITTED, "/data/uploads", "mkdir: cannot create directory '/data/uploads': Permission denied"),
    (F.NOT_PERMITTED, "/var/run/app.sock", "PermissionError: [Errno 13] Permission denied: '/var/run/app.sock'"),
    (F.NOT_PERMITTED, "/app/cache", "Error: EACCES: permission denied, mkdir '/app/cache'"),
    (F.NOT_PERMITTED, "table orders", "ERROR:  permission denied for table orders"),
    # what ran out
    (F.OUT_OF_MEMORY, "Java heap space", 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space'),
    (
        F.OUT_OF_MEMORY,
        "JavaScript heap",
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    ),
    (F.OUT_OF_MEMORY, None, "MemoryError: Unable to allocate 2.3 GiB for an array"),
    (F.OUT_OF_MEMORY, None, "fork: Cannot allocate memory"),
    (F.OUT_OF_MEMORY, None, "fatal error: runtime: out of memory"),
    (F.DISK_FULL, "/var/lib/app/wal", "write /var/lib/app/wal: no space left on device"),
    (F.DISK_FULL, None, "OSError: [Errno 28] No space left on device"),
    (F.DISK_FULL, "/tmp/upload", "OSError: [Errno 28] No space left on device: '/tmp/upload'"),
    (F.READ_ONLY, "/data/db.lock", "open /data/db.lock: read-only file system"),
    (F.READ_ONLY, None, "ERROR: cannot execute INSERT in a read-only transaction"),
    (F.CONNECTIONS_EXHAUSTED, None, "FATAL:  remaining connection slots are reserved for roles with SUPERUSER"),
    (F.CONNECTIONS_EXHAUSTED, None, "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached"),
    (F.CONNECTIONS_EXHAUSTED, None, "HikariPool-1 - Connection is not available, request timed out after 30000ms."),
    (F.CONNECTIONS_EXHAUSTED, None, "ERROR 1040 (HY000): Too many connections"),
    (F.TOO_MANY_FILES, None, "accept tcp [::]:8080: accept4: too many open files"),
    (F.RATE_LIMITED, None, "An error occurred (ThrottlingException) when calling the PutItem operation: Rate exceeded"),
    (F.RATE_LIMITED, "api.partner.example", "POST to https://api.partner.example/v2 failed: 429 Too Many Requests"),
    (F.LOCKED, None, "ERROR:  deadlock detected"),
    (F.LOCKED, None, "ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction"),
    # what a change brought
    (F.MISSING_CODE, "stripe", "ModuleNotFoundError: No module named 'stripe'"),
    (F.MISSING_CODE, "express", "Error: Cannot find module 'express'"),
    (F.MISSING_CODE, "com.acme.Main", "Error: Could not find or load main class com.acme.Main"),
    (F.MISSING_CODE, "libpq.so.5", "error while loading shared libraries: libpq.so.5: cannot open shared object file"),
    (F.MISSING_CODE, "gunicorn", 'exec: "gunicorn": executable file not found in $PATH: unknown'),
    (F.MISSING_CODE, None, "exec /app/server: exec format error"),
    (F.MISSING_FILE, "/etc/app/config.yaml", "open /etc/app/config.yaml: no such file or directory"),
    (
        F.MISSING_FILE,
        "/run/secrets/key.pem",
        "FileNotFoundError: [Errno 2] No such file or directory: '/run/secrets/key.pem'",
    ),
    (F.BAD_CONFIG, "unknown flag: --metrics-adr", "Error: unknown flag: --metrics-adr"),
    (F.BAD_CONFIG, "line 4: did not find expected key", "yaml: line 4: did not find expected key"),
    (F.BAD_CONFIG, "db.url", "Could not resolve placeholder 'db.url' in value \"${db.url}\""),
    (F.PORT_TAKEN, ":8080", "listen tcp :8080: bind: address already in use"),
    (F.PORT_TAKEN, ":::3000", "Error: listen EADDRINUSE: address already in use :::3000"),
    (F.MIGRATION, 'relation "carts" does not exist', 'ERROR:  relation "carts" does not exist at character 15'),
    (F.MIGRATION, "17", "error: Dirty database version 17. Fix and force version."),
    (F.UPSTREAM, "inventory", "ERROR calling inventory: 503 Service Unavailable"),
    (F.UPSTREAM, None, "no healthy upstream"),
    # what it looks like from outside
    (F.UNHANDLED, "nil pointer dereference", "panic: runtime error: invalid memory address or nil pointer dereference"),
    (F.UNHANDLED, "KeyError: 'total'", "KeyError: 'total'"),
    (
        F.UNHANDLED,
        "called `Option::unwrap()` on a `None` value",
        "thread 'main' panicked at called `Option::unwrap()` on a `None` value",
    ),
]
SILENT = [
    "INFO  0 errors, 0 timeouts",
    "level=info msg=done error=nil",
    'level=info msg="request finished" err=<nil>',
    '{"level":"info","msg":"ok","error":null}',
    '{"level":30,"msg":"request completed","err":""}',
    "INFO retry succeeded after connection refused",
    "INFO reconnected to redis:6379 after connection reset by peer",
    "DEBUG connect: connection refused, will retry",
    '{"level":"debug","msg":"dial tcp 10.0.0.1:5432: connect: connection refused"}',
    "TRACE read tcp: i/o timeout",
    'level=debug msg="no such host"',
    '10.0.0.1 - - [21/Nov/2026:09:14:05 +0000] "GET /docs/connection-refused HTTP/1.1" 200 512',
    '10.0.0.1 - - [21/Nov/2026:09:14:05 +0000] "GET /help?q=no space left on device HTTP/1.1" 200 512',
    "INFO GET /errors/deadline-exceeded 200 3ms",
    "served https://docs.example.com/troubleshooting/connection%20refused/out-of-memory in 3 ms",
    '{"level":"info","msg":"page viewed","path":"/kb/too-many-connections","title":"FATAL: too many connections"}',
    "INFO connect timeout set to 5s",
    "INFO starting with read_timeout=30s request_timeout=10s",
    "INFO retry policy: on connection refused, connection reset, i/o timeout",
    "registered handler for java.lang.OutOfMemoryError",
    "circuit breaker configured: opens when connection refused 5 times",
    "connection_refused_total 0",
    'http_requests_total{error="connection refused"} 0',
    "panics=0 restarts=0",
    "INFO no deadlock detected",
    "INFO healthy: no connection refused in the last 5 minutes",
    "INFO disk usage 40 %, space left on device: 120 GiB",
    "INFO listening on :8080",
    "INFO connected to postgres:5432",
    "INFO certificate valid until 2027-01-01",
    "INFO certificate renewed, the previous expired certificate was removed",
    "INFO memory limit 512Mi, heap 128Mi",
    "INFO rate limit 100 requests a minute",
    "INFO applied 3 migrations",
    "INFO migration 17 completed without errors",
    "INFO user asked: why do I see 'connection refused'? e.g. connection refused on port 80",
    "WARN slow query: 412 ms",
    "INFO error budget 99.95 %",
    "INFO 500 items indexed",
    "INFO order 50312 accepted",
    "ERROR",
    "",
    "    at com.acme.Shop.main(Shop.java:12)",
]


@pytest.mark.parametrize(("family", "subject", "line"), SAY)
def test_a_line_is_recognised_and_says_about_whom(family: Family, subject: str | None, line: str) -> None:
    found = recognise([line])

    assert [(one.family, one.subject) for one in found] == [(family, subject)]
    assert found[0].line == line
    assert (subject or found[0].statement) in found[0].statement


@pytest.mark.parametrize("line", SILENT)
def test_what_only_looks_like_trouble_says_nothing(line: str) -> None:
    assert recognise([line]) == ()


JAVA = """\
2026-11-21 09:14:05,331 ERROR [main] com.acme.Shop - startup failed
org.springframework.beans.factory.BeanCreationException: Error creating bean 'dataSource'
\tat org.springframework.beans.Factory.create(Factory.java:12)
Caused by: org.postgresql.util.PSQLException: Connection to orders-db:5432 refused.
\tat org.postgresql.Driver.connect(Driver.java:285)
\t... 31 common frames omitted
""".splitlines()
PYTHON = """\
Traceback (most recent call last):
  File "/app/main.py", line 7, in <module>
    db.connect()
ConnectionRefusedError: [Errno 111] Connection refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/main.py", line 9, in <module>
    raise RuntimeError("no database") from error
RuntimeError: no database
""".splitlines()
GO = """\
panic: dial tcp 10.0.0.5:5432: connect: connection refused

goroutine 1 [running]:
main.main()
\t/app/main.go:12 +0x1d
exit status 2
""".splitlines()
NODE = """\
/app/index.js:10
        throw err;
        ^

Error: connect ECONNREFUSED 10.0.0.5:5432
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16) {
  errno: -111,
  code: 'ECONNREFUSED'
}
""".splitlines()
PRETTY = """\
{
  "level": "error",
  "message": "cannot reach orders",
  "error": {"message": "connect ECONNREFUSED 10.0.0.5:5432"}
}
""".splitlines()


@pytest.mark.parametrize("trace", [JAVA, PYTHON, GO, NODE, PRETTY])
def test_a_trace_is_one_message_and_its_cause_is_what_counts(trace: list[str]) -> None:
    found = recognise([*trace, "INFO bye", *trace])

    assert [(one.family, one.role, one.count) for one in found] == [(F.CONNECTION_REFUSED, Role.DEPENDENCY, 2)]
    assert "efused" in found[0].line or "ECONNREFUSED" in found[0].line
    assert any(found[0].line in line for line in trace)


def test_causes_come_before_symptoms_however_loud_these_are() -> None:
    lines = ["KeyError: 'total'"] * 50 + ["MemoryError"] * 2 + ["ModuleNotFoundError: No module named 'stripe'"]

    found = recognise(lines)

    assert [one.role for one in found] == [Role.CHANGE, Role.RESOURCE, Role.SYMPTOM]
    assert [one.count for one in found] == [1, 2, 50]


def test_an_address_that_answers_later_is_no_trouble() -> None:
    refused = "WARN dial tcp postgres:5432: connect: connection refused"
    other = "WARN dial tcp redis:6379: connect: connection refused"

    found = recognise([refused, other, "INFO connected to postgres:5432"])

    assert [one.subject for one in found] == ["redis:6379"]


def test_two_addresses_are_two_findings() -> None:
    lines = [f"ERROR dial tcp {host}:5432: connect: connection refused" for host in ("a-db", "b-db", "a-db")]

    assert [(one.subject, one.count) for one in recognise(lines)] == [("a-db:5432", 2), ("b-db:5432", 1)]


HOSTILE = [
    "a" * 100_000,
    "connection " * 9_000,
    "error: " * 14_000,
    "/" * 100_000,
    "lookup " + "a." * 50_000,
    "a.b.c." * 17_000 + "Error",
    'exec: "' * 14_000,
    "https://" + "a/" * 50_000,
    "cannot find module '" * 5_000,
    "1:" * 50_000,
    '{"a":' * 20_000,
    "panic: " * 14_000,
]


@pytest.mark.parametrize("line", HOSTILE)
def test_a_hostile_line_costs_little_time(line: str) -> None:
    started = time.process_time()

    recognise([line] * 3)

    assert time.process_time() - started < 0.3


LINES = st.sampled_from([line for _, _, line in SAY] + SILENT + JAVA + PYTHON + GO + NODE)


@given(st.lists(LINES | st.text(max_size=200), max_size=30))
def test_any_text_is_read_and_only_what_is_there_is_quoted(lines: list[str]) -> None:
    for found in recognise(lines):
        assert any(found.line in line for line in lines)
