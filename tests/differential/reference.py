"""The reference: Flask-Limiter with the declarations of `worlds.rs`, under a clock that is told.

    python reference.py WORLD

prints the port it serves the world on, and then does what its standard input says, a line each,
answering each with `done`:

    reset SECONDS   forget all counters, and set the clock to these seconds since the epoch
    now SECONDS     set the clock forward
"""

import sys
import threading
import time
from wsgiref.simple_server import WSGIRequestHandler, make_server


class Clock:
    """Everybody's time, because everybody calls `time.time()`."""

    now = 0.0


time.time = lambda: Clock.now

from flask import Blueprint, Flask, request
from flask_limiter import ExemptionScope, Limiter
from flask_limiter.util import get_remote_address
from limits.storage import MemoryStorage


class Timer:
    """The storage's timer, which drops expired entries 10 ms after a write, in real time.

    Here it is due whenever the clock is set forward, by 15.625 ms at least: the same moments.
    """

    due = False


def schedule(storage):
    Timer.due = True


MemoryStorage._MemoryStorage__schedule_expiry = schedule


class World:
    """An app, its limiter, and short ways to declare views."""

    def __init__(self, **options):
        self.app = Flask("reference", static_folder=None)
        self.limiter = Limiter(
            get_remote_address,
            app=self.app,
            headers_enabled=True,
            storage_uri="memory://",
            **options,
        )
        self.limit = self.limiter.limit
        self.shared_limit = self.limiter.shared_limit
        self.exempt = self.limiter.exempt

    def view(self, methods, path, *decorators, within=None):
        """A view with decorators, written from the outermost to the innermost."""

        def handler(status="200", **arguments):
            return "done", int(status)

        where = within or self.app
        # The limiter knows views by their names.
        handler.__name__ = handler.__qualname__ = f"{where.name} {methods} {path}"
        for decorator in reversed(decorators):
            handler = decorator(handler)
        where.add_url_rule(
            path,
            handler.__name__,
            handler,
            methods=methods.split(),
            # Actix answers no OPTIONS by itself.
            provide_automatic_options=False,
        )


def api_key():
    return request.headers.get("X-Api-Key", "")


def everyone():
    return "everyone"


def tier():
    return {"a": "2/minute", "b": "4/minute;3/second"}.get(api_key(), "")


def internal():
    return api_key() == "internal"


def failed(response):
    return response.status_code >= 400


def cost():
    return int(request.args.get("cost", 1))


# --- The worlds, in the order of worlds.rs ---


def one_limit(strategy="fixed-window"):
    w = World(default_limits=["3/minute"], strategy=strategy)
    w.view("GET", "/plain")
    w.view("GET", "/other")
    w.view("GET", "/items/<id>")
    w.view("POST", "/plain")
    w.view("GET", "/ping", w.exempt)
    w.view("GET", "/slow", w.limit("2/minute"))
    w.view("GET", "/fast", w.limit("1/second"))
    w.view("GET", "/long", w.limit("5 per 2 minutes"))
    w.view("GET", "/pages/<name>", w.limit("2/minute"))
    w.view("GET", "/keyed", w.limit("2/minute", key_func=api_key))
    w.view("GET", "/part", w.limit("2/minute", scope="part"))
    w.view("GET POST", "/together", w.limit("2/minute"))
    w.view("GET POST", "/apart", w.limit("2/minute", per_method=True))
    w.view("GET POST", "/only_get", w.limit("2/minute", methods=["GET"]))
    w.view("GET", "/orders", w.shared_limit("3/minute", scope="database"))
    w.view("GET", "/report", w.shared_limit("3/minute", scope="database"))
    w.view("GET", "/mail", w.shared_limit("3/minute", scope="mail"))
    return w


def moving_window():
    return one_limit("moving-window")


def sliding_window():
    return one_limit("sliding-window-counter")


def several_limits(fail_on_first_breach=True, strategy="fixed-window"):
    w = World(
        default_limits=["4/minute", "6/hour"],
        strategy=strategy,
        fail_on_first_breach=fail_on_first_breach,
    )
    w.view("GET", "/plain")
    w.view("GET", "/windows", w.limit("6/hour;3/minute;1/second"))
    w.view("GET", "/adds", w.limit("1/second", override_defaults=False))
    w.view("GET", "/stacked", w.limit("3/minute"), w.limit("4/hour", key_func=api_key))
    w.view("GET", "/login", w.limit("2/minute"), w.limit("5/hour", key_func=everyone))
    w.view("GET", "/orders", w.limit("1/second"), w.shared_limit("4/minute", scope="database"))
    w.view("GET", "/report", w.shared_limit("4/minute;5/hour", scope="database"))
    return w


def every_breach():
    return several_limits(fail_on_first_breach=False)


def several_moving():
    return several_limits(strategy="moving-window")


def application():
    w = World(application_limits=["5/minute"], default_limits=["3/minute"])
    w.view("GET", "/plain")
    w.view("GET", "/other")
    w.view("GET", "/slow", w.limit("2/minute"))
    w.view("GET", "/adds", w.limit("1/second", override_defaults=False))
    w.view("GET", "/shared", w.shared_limit("4/hour", scope="database"))
    w.view("GET", "/ping", w.exempt)
    w.view("GET", "/status", w.exempt(flags=ExemptionScope.DEFAULT))
    w.view("GET", "/free", w.exempt(flags=ExemptionScope.APPLICATION))
    return w


def partly_exempt():
    w = World(application_limits=["5/minute"], default_limits=["3/minute"])
    w.view("GET", "/plain")
    w.view("GET", "/own", w.exempt(flags=ExemptionScope.APPLICATION), w.limit("1/minute"))
    w.view("GET", "/both", w.limit("2/minute"), w.exempt(flags=ExemptionScope.DEFAULT))
    return w


def variants():
    w = World(
        application_limits=["8/minute"],
        application_limits_per_method=True,
        application_limits_cost=2,
        default_limits=["6/minute"],
        default_limits_per_method=True,
        default_limits_cost=3,
    )
    w.view("GET", "/plain")
    w.view("POST", "/plain")
    w.view("GET POST", "/adds", w.limit("1/second", override_defaults=False))
    w.view("GET POST", "/only_get", w.limit("2/minute", methods=["GET"]))
    return w


def costs(strategy="fixed-window"):
    w = World(default_limits=["5/minute"], default_limits_cost=2, strategy=strategy)
    w.view("GET", "/plain")
    w.view("GET", "/two", w.limit("5/minute", cost=2))
    w.view("GET", "/cost", w.limit("5/minute", cost=cost))
    w.view("GET", "/fast", w.limit("3/second", cost=cost))
    w.view("GET", "/orders", w.shared_limit("6/minute", scope="database", cost=cost))
    w.view("GET", "/report", w.shared_limit("6/minute", scope="database", cost=3))
    return w


def moving_costs():
    return costs("moving-window")


def sliding_costs():
    return costs("sliding-window-counter")


def unmatched():
    w = World(application_limits=["6/minute"], default_limits=["3/minute"])
    w.view("GET", "/plain")
    w.view("GET", "/slow", w.limit("2/minute"))
    return w


def unmatched_free():
    return unmatched()


def head():
    w = World(default_limits=["3/minute"])
    w.view("GET HEAD", "/plain")
    w.view("GET HEAD", "/slow", w.limit("2/minute"))
    w.view("GET HEAD", "/apart", w.limit("2/minute", per_method=True))
    w.view("GET HEAD OPTIONS", "/only_get", w.limit("2/minute", methods=["GET"]))
    return w


def identity():
    w = World(default_limits=["3/minute"])
    w.view("GET", "/plain")
    w.view("GET", "/keyed", w.limit("2/minute", key_func=api_key))
    w.view("GET", "/adds", w.limit("2/minute", key_func=api_key, override_defaults=False))
    return w


def identity_skipped():
    return identity()


def counters():
    w = World(default_limits=["3/minute"])
    w.view("GET", "/adds", w.limit("3/minute", override_defaults=False))
    w.view("GET", "/three", w.shared_limit("3/minute", scope="database"))
    w.view("GET", "/five", w.shared_limit("5/minute", scope="database"))
    return w


def order():
    w = World(default_limits=["3 per 100 seconds"])
    w.view("GET", "/plain")
    w.view("GET", "/units", w.limit("4 per 90 seconds;3/minute"))
    w.view("GET", "/adds", w.limit("2/minute", override_defaults=False))
    return w


def overrides():
    w = World(default_limits=["3/minute"])
    w.view(
        "GET POST",
        "/mixed",
        w.limit("1/second", methods=["POST"]),
        w.limit("6/hour", override_defaults=False),
    )
    return w


def repeats():
    w = World()
    w.view("GET", "/stacked", w.limit("3/minute"), w.limit("3/minute"))
    w.view("GET", "/ties", w.limit("3/minute"), w.limit("2/minute", key_func=api_key))
    w.view("GET", "/tied", w.limit("5/minute;3/minute", key_func=api_key))
    return w


def dynamic():
    w = World(default_limits=["3/minute"])
    w.view("GET", "/plain")
    w.view("GET", "/tiers", w.limit(tier))
    w.view("GET", "/added", w.limit(tier, override_defaults=False))
    w.view("GET", "/inside", w.limit("2/minute", exempt_when=internal))
    w.view("GET", "/either", w.limit("2/minute", exempt_when=internal), w.limit("3/hour"))
    return w


def filtered():
    w = dynamic()
    w.limiter.request_filter(internal)
    return w


def deducted():
    w = World(default_limits=["4/minute"])
    w.view("GET", "/plain/<status>")
    w.view("GET", "/login/<status>", w.limit("2/minute", deduct_when=failed))
    w.view("GET", "/costly/<status>", w.limit("5/minute", deduct_when=failed, cost=2))
    w.view("GET", "/strict/<status>", w.limit("3/minute", deduct_when=failed), w.limit("6/hour"))
    return w


def meta_limits():
    w = World(default_limits=["2/minute"], meta_limits=["3 per 5 minutes"])
    w.view("GET", "/plain")
    w.view("GET", "/fast", w.limit("1/second"))
    w.view("GET", "/ping", w.exempt)
    w.view("GET", "/status", w.exempt(flags=ExemptionScope.DEFAULT))
    return w


def own_meta_limits():
    w = World(default_limits=["3/minute"])
    w.view("GET", "/plain")
    w.view("GET", "/login", w.limit("1/second", meta_limits=["2/minute"]))
    w.view("GET", "/token", w.limit("1/second", meta_limits=["2/minute"]))
    w.view("GET", "/orders", w.shared_limit("1/second", "database", meta_limits=["3/hour"]))
    return w


def scopes():
    w = World(application_limits=["7/minute"], default_limits=["3/minute"])
    w.view("GET", "/plain")

    api = Blueprint("api", "reference", url_prefix="/api")
    w.limit("4/minute")(api)
    w.view("GET", "/plain", within=api)
    w.view("GET", "/own", w.limit("1/second"), within=api)
    w.view("GET", "/adds", w.limit("1/second", override_defaults=False), within=api)
    w.view("GET", "/ping", w.exempt, within=api)

    open = Blueprint("open", "reference", url_prefix="/open")
    w.limit("1/second", override_defaults=False)(open)
    w.view("GET", "/plain", within=open)
    w.view("GET", "/adds", w.limit("5/hour", override_defaults=False), within=open)

    free = Blueprint("free", "reference", url_prefix="/free")
    w.exempt(free)
    w.view("GET", "/plain", within=free)
    w.view("GET", "/own", w.limit("2/minute"), within=free)

    for blueprint in (api, open, free):
        w.app.register_blueprint(blueprint)
    return w


def nested_scopes():
    w = World(application_limits=["9/minute"], default_limits=["5/hour"])
    w.view("GET", "/plain")

    def blueprint(name, within=None):
        inner = Blueprint(name, "reference", url_prefix="/" + name)
        if within:
            children.append((within, inner))
        return inner

    children = []
    adds = w.limit("3 per 2 minutes", override_defaults=False)

    shop = blueprint("shop")
    w.limit("4/minute")(shop)
    w.view("GET", "/plain", within=shop)
    cart = blueprint("cart", shop)
    w.limit("2/second")(cart)
    w.view("GET", "/plain", within=cart)
    items = blueprint("items", cart)
    w.view("GET", "/plain", within=items)
    w.view("GET", "/adds", adds, within=items)
    stock = blueprint("stock", shop)
    w.limit("1/second", override_defaults=False)(stock)
    w.view("GET", "/plain", within=stock)
    w.view("GET", "/own", w.limit("2 per 2 minutes"), within=stock)
    w.view("GET", "/adds", adds, within=stock)
    alone = blueprint("alone", shop)
    w.limit("2/second", override_defaults=False)(alone)
    w.exempt(alone, flags=ExemptionScope.ANCESTORS)
    w.view("GET", "/plain", within=alone)
    kept = blueprint("kept", shop)
    w.limit("2/second")(kept)
    w.exempt(kept)
    w.view("GET", "/plain", within=kept)

    free = blueprint("free")
    w.limit("2/second")(free)
    w.exempt(free, flags=ExemptionScope.DEFAULT | ExemptionScope.DESCENDENTS)
    w.view("GET", "/plain", within=free)
    inner = blueprint("inner", free)
    w.view("GET", "/plain", within=inner)
    mixed = blueprint("mixed", free)
    w.limit("1/second", override_defaults=False)(mixed)
    w.exempt(mixed, flags=ExemptionScope.APPLICATION)
    w.view("GET", "/plain", within=mixed)

    half = blueprint("half")
    w.exempt(half, flags=ExemptionScope.DEFAULT)
    w.view("GET", "/plain", within=half)
    rest = blueprint("rest", half)
    w.view("GET", "/plain", within=rest)

    # The innermost first: a blueprint takes its children as they are.
    for outer, child in reversed(children):
        outer.register_blueprint(child)
    for outermost in (shop, free, half):
        w.app.register_blueprint(outermost)
    return w


# --- The process ---


class Handler(WSGIRequestHandler):
    def log_message(self, *arguments):
        """Keeps the output of the tests short."""


def main():
    Clock.now = 1_700_000_000.0
    world = globals()[sys.argv[1]]()
    # The storage starts one timer at its making.
    world.limiter.storage.timer.join()
    server = make_server("127.0.0.1", 0, world.app, handler_class=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    for line in sys.stdin:
        verb, seconds = line.split()
        if verb == "reset":
            world.limiter.reset()
            Timer.due = False
        elif Timer.due:
            world.limiter.storage._MemoryStorage__expire_events()
            Timer.due = False
        Clock.now = float(seconds)
        print("done", flush=True)


main()
