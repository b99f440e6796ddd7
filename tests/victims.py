"""What is killed: a process that has imported all it needs forks another for each run; see `test_killed`."""

import atexit
import json
import os
import sys
import time
import traceback

import numpy as np

#: Entries that the workers of `features` ask for, and how many bytes each has.
ENTRIES, SIZE = 16, 2**18


def slowly(number, size):
    """Features of nothing: as many that writing them takes a moment."""
    with open("computed.txt", "a") as file:
        file.write(f"{number}\n")
    time.sleep(0.01)
    return {"x": np.random.default_rng(number).normal(size=size // 8), "number": np.array(number)}


def features(data_root, weights):
    """Two processes ask for the same entries, real features of images among them, from both ends."""
    import victims  # whose functions have a source, unlike those of __main__
    from corrlib import cache, convnet
    from corrlib.data import VOC
    from corrlib.experiments.visualization import units

    data, network = VOC(data_root), convnet.load(weights)
    wanted = [lambda n=n: cache.cached(victims.slowly, number=n, size=SIZE) for n in range(ENTRIES)]
    for name in data.image_ids("train"):
        wanted.append(lambda name=name: units.units(data, network, "conv3", [name]))
    workers, leader = [], os.getpid()
    for order in (wanted, wanted[::-1]):
        if not (pid := os.fork()):
            status = 1
            try:
                for call in order:
                    call()
                    if os.getppid() != leader:
                        break
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        workers.append(pid)
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0 for pid in workers)


def command(*arguments):
    """A command of the command line."""
    from corrlib.publishing import cli

    return cli.main(arguments)


def serve():
    """Run each job that a line of standard input describes in a fork; print its process, then its status."""
    for line in sys.stdin:
        job = json.loads(line)
        if not (pid := os.fork()):
            status = 70
            try:
                os.setsid()
                log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                for descriptor in (1, 2):
                    os.dup2(log, descriptor)
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.environ |= job["environment"]
                os.chdir(job["folder"])
                status = {"features": features, "command": command}[job["call"]](*job["given"])
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                atexit._run_exitfuncs()
                os._exit(status)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    from corrlib.cache.code import code_digest

    for module in ("alignment.features", "alignment.flows", "prediction.training", "visualization.units"):
        code_digest(f"corrlib.experiments.{module}")  # which takes a moment
    print("ready", flush=True)
    serve()
