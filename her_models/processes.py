"""Work in processes of its own: a pool that hands tasks to workers and collects what they answer.

What belongs here: starting workers, the pipe between them and whoever asked, and what happens when one dies. What does
not: what a worker does (`staging`, `batches`).

Not `multiprocessing`: it would import the caller's main module in every worker, Dagster included.

A worker reads pickled values from its standard input: a job with its label, then tasks, then None. For each task it
answers with one value, after any number of whole numbers that say how far it is; after None with its last word. An
exception as an answer ends the pool.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

# Arrow would import libraries that a worker does not need: without them it starts sooner and with less memory.
_WORKER = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {without!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from {module} import serve
serve()
"""


def start_worker(
    module: str, *, without: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process that runs `serve` of a module; the modules of `without` are kept out of it."""
    here = str(Path(__file__).resolve().parent.parent)
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-c", _WORKER.format(module=module, without=tuple(without))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(environment or {})},
    )


class Orders:
    """A worker's side of the pipe."""

    def __init__(self, source: IO[bytes], sink: IO[bytes]) -> None:
        self._source, self._sink = source, sink
        self.job, self.label = pickle.load(source)

    def __iter__(self) -> Iterator[Any]:
        """Yield the tasks, until there are no more."""
        while (task := pickle.load(self._source)) is not None:
            yield task

    def answer(self, what: object) -> None:
        _send(self._sink, what)


@contextmanager
def orders() -> Iterator[Orders]:
    """Give a worker its orders. What is raised inside reaches the process that asked, and this one ends."""
    source = sys.stdin.buffer
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not end up among the answers
    try:
        yield Orders(source, sink)
    except (EOFError, BrokenPipeError):
        sys.exit(1)  # whoever asked is gone
    except Exception as error:  # it has to reach the process that asked
        _send(sink, error)
        sys.exit(1)


class Pool:
    """Workers fed by one thread each; `answers` holds one per task, `last_words` one per worker."""

    def __init__(
        self,
        start: Callable[[], subprocess.Popen[bytes]],
        workers: int,
        job: object,
        tasks: Iterable[object],
        tick: Callable[[int, int], None],
    ) -> None:
        """`tasks` are handed out in order. `tick` hears of tasks done and of the whole numbers that workers tell."""
        self._start = start
        self._workers = workers
        self._job = job
        self._tick = tick
        self._todo: queue.SimpleQueue[object] = queue.SimpleQueue()
        for task in tasks:
            self._todo.put(task)
        self.answers: list[Any] = []
        self.last_words: list[Any] = []
        self.errors: list[BaseException] = []

    def run(self) -> None:
        """Do all tasks.

        Raises:
            EOFError, BrokenPipeError: a worker died.
            Exception: what a worker raised.
        """
        processes: list[subprocess.Popen[bytes]] = []
        threads = []
        try:
            for number in range(self._workers):
                process = self._start()
                processes.append(process)
                thread = threading.Thread(target=self._feed, args=(process, f"w{number}"), daemon=True)
                threads.append(thread)
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        pipe.close()
        if self.errors:
            raise self.errors[0]

    def _feed(self, process: subprocess.Popen[bytes], label: str) -> None:
        assert process.stdin is not None and process.stdout is not None
        try:
            _send(process.stdin, (self._job, label))
            while not self.errors:
                try:
                    task = self._todo.get_nowait()
                except queue.Empty:
                    break
                _send(process.stdin, task)
                self.answers.append(self._receive(process.stdout))
                self._tick(1, 0)
            _send(process.stdin, None)
            self.last_words.append(self._receive(process.stdout))
        except Exception as error:  # raised again by `run`, in the caller's thread
            self.errors.append(error)

    def _receive(self, pipe: IO[bytes]) -> Any:
        while True:
            answer = pickle.load(pipe)
            if isinstance(answer, BaseException):
                raise answer
            if not isinstance(answer, int):
                return answer
            self._tick(0, answer)


def _send(pipe: IO[bytes], what: object) -> None:
    pickle.dump(what, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()
