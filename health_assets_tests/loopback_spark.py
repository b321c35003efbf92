"""Servers of Spark Connect on 127.0.0.1: Sail, and Spark itself in a Java machine, from the jars of the pyspark package."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from health_assets_tests.loopback_server import free_port
from health_assets_tests.programs import installed

SECONDS_TO_START = 120
CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
SAIL = """
import sys, time
from pysail.spark import SparkConnectServer
server = SparkConnectServer("127.0.0.1", int(sys.argv[1]))
server.start(background=True)
time.sleep(3600)
"""
NOT_COMPILED = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
OPENED = (
    "lang",
    "lang.invoke",
    "lang.reflect",
    "io",
    "net",
    "nio",
    "util",
    "util.concurrent",
    "util.concurrent.atomic",
)


class Server:
    """A running server; `kill` ends it as a crash would."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.url = f"sc://127.0.0.1:{port}"

    def kill(self) -> None:
        """End the server without any goodbye."""
        self.process.kill()
        self.process.wait()


@contextmanager
def sail() -> Iterator[Server]:
    """Sail in a process of its own."""
    _needs("pysail", "pyspark")
    yield from _running(lambda port: [sys.executable, "-c", SAIL, str(port)])


@contextmanager
def spark(cores: str = "1", memory: str = "1g", *, is_compiled: bool = False) -> Iterator[Server]:
    """Spark in local mode; without compiled plans, which take longer than the few rows of a test."""
    _needs("pyspark")
    java, jars = installed("java", "default-jre-headless"), _jars()
    settings = {} if is_compiled else NOT_COMPILED
    yield from _running(
        lambda port: [java, *_opened(), f"-Xmx{memory}", "-cp", f"{jars}/*", *_submitted(port, cores, settings)]
    )


def _needs(*packages: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'health-assets[spark]' pysail")


def _jars() -> Path:
    """The jars of Spark: of SPARK_HOME, or of the checkout, where .ci/spark puts them."""
    home = Path(os.environ.get("SPARK_HOME") or Path(__file__).parents[1] / ".spark")
    if not (home / "jars").is_dir():
        pytest.skip("the jars of Spark are not there: run .ci/spark, or set SPARK_HOME")
    return home / "jars"


def _opened() -> list[str]:
    return [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in OPENED] + [
        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
        "--add-opens=java.base/sun.util.calendar=ALL-UNNAMED",
        "-Dio.netty.tryReflectionSetAccessible=true",
    ]


def _submitted(port: int, cores: str, further: dict[str, str]) -> list[str]:
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
    } | further
    given = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    return [
        "org.apache.spark.deploy.SparkSubmit",
        "--master",
        f"local[{cores}]",
        *given,
        "--class",
        CLASS,
        "spark-internal",
    ]


def _running(command: Callable[[int], list[str]]) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield Server(process, port)
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server of Spark Connect did not start")
