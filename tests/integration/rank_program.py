"""A rank in a process of its own, told what to do line by line: ``{"do": …}`` in, one JSON line out."""

import json
import os
import signal
import sys

import checkpointer
from checkpointer import saving
from support import empty_state, state_of


def stop_before_seal():
    """From now on a save stops this process when the bytes are captured and before they are sealed."""
    seal = saving.SaveJob._seal

    def stopped(job):
        saving.SaveJob._seal = seal
        os.kill(os.getpid(), signal.SIGSTOP)
        return seal(job)

    saving.SaveJob._seal = stopped


def ticket_of(ticket):
    return {"state": ticket.state, "code": ticket.error.code if ticket.error else None}


def main():
    session = checkpointer.connect(**json.loads(sys.argv[1]))
    size = int(sys.argv[2])
    actions = {
        "restore": lambda step: session.restore(empty_state(size)) is None,
        "report": lambda step: session.report(step, loss=1 / step),
        "save": lambda step: ticket_of(session.save(step, state_of(session.rank, step, size))),
        "save_durable": lambda step: session.save(step, state_of(session.rank, step, size)).wait("durable", 60),
        "stop_before_seal": lambda step: stop_before_seal(),
        "fenced": lambda step: session.fenced,
        "close": lambda step: session.close(),
    }
    print(json.dumps(session.attempt), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = actions[order["do"]](order.get("step"))
        except checkpointer.Fenced as fenced:
            answer = {"fenced": fenced.code}
        print(json.dumps(answer), flush=True)


main()
