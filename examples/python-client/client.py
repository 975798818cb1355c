"""A board in a terminal, written from docs/protocol.md alone: client.py URL BOARD FILE [NAME]
Each line `RECORD LEAF JSON` of the input is an edit; FILE keeps the copy and the outbox."""
import base64, contextlib, http.client, json, os, queue, random, sys, threading, time, urllib.parse

# Errors that are the client's fault: it does not help to try again.
FAULTS = ("malformed undecodable invalid too_large forbidden not_subscribed bad_query protocol "
          "wrong_user unauthorised cloned").split()
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Protocol": "driftless.v1.json"}

class Replica:
    def __init__(self, url, board, path, name="guest"):
        self.url, self.board, self.path, self.name = urllib.parse.urlsplit(url), board, path, name
        self.events, self.link, self.is_ready = queue.Queue(), None, False
        self.attempt, self.due, self.after = 0, 0, 0
        new = {"client": os.urandom(16).hex(), "cursor": None, "records": {}, "settled": 0,
               "outbox": [], "aside": []}
        self.state = json.load(open(path)) if os.path.exists(path) else new

    def store(self):
        with open(self.path + ".new", "w") as file:
            print(json.dumps(self.state), file=file, flush=True)
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)

    def stop(self, why):  # Ends with a sentence, where only a person can put it right.
        self.store()
        sys.exit(f"{why}; the edits are kept in {self.path}")

    def listen(self, link):
        """Puts every message of a WebSocket into `events`, and "close" at the end."""
        key, code = {"Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()}, 1006
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            link.request("GET", self.url.path, headers=UPGRADE | key)
            if (answer := link.getresponse()).status == 101:
                self.events.put((link, "open", {}))
            while head := answer.status == 101 and answer.fp.read(2):
                wide = {126: 2, 127: 8}.get(head[1], 0)
                size = int.from_bytes(answer.fp.read(wide), "big") if wide else head[1]
                data = answer.fp.read(size)
                if head[0] == 0x81: self.events.put((link, *json.loads(data).popitem()))
                if head[0] == 0x88: code = int.from_bytes(data[:2], "big")
        self.events.put((link, "close", {"code": code}))

    def send(self, name, **fields):
        data, mask = json.dumps({name: fields}, allow_nan=False).encode(), os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self.link.sock.sendall(b"\x81\xff" + len(data).to_bytes(8, "big") + mask + masked)

    def edit(self, line):
        record, leaf, text = line.split(" ", 2)
        known = [*self.state["records"], *(edit["record"] for edit in self.state["outbox"])]
        op = {"set": {"leaf": leaf, "value": json.loads(text)}} if record in known else {
            "create": {"kind": "note", "leaves": {leaf: json.loads(text)}}}
        self.state["outbox"].append({"id": os.urandom(16).hex(), "record": record, "leaf": leaf,
                                     "seen": self.version(), "op": op})

    def push(self):
        """Seals the oldest edit, stores that, and sends it; the next one waits for its outcome."""
        edit, settled, self.is_ready = self.state["outbox"][0], self.state["settled"], False
        if "sealed" not in edit:
            change = {name: edit[name] for name in ("record", "seen", "op")}
            content = {"id": edit["id"], "label": f"Set {edit['leaf']}", "changes": [change]}
            edit["sealed"] = {"seq": settled + 1, "id": edit["id"], "payload": json.dumps(content)}
            self.store()
        self.send("push", board=self.board, settled=settled, **edit["sealed"])

    def apply(self, version, check, effects, **_):
        records, self.state["cursor"] = self.state["records"], {"version": version, "check": check}
        for record, op in ((effect["record"], effect["op"]) for effect in effects):
            if op == "remove": records.pop(record, None)
            if "create" in op: records.setdefault(record, {"created": version, "leaves": {}})
            for name, what in op.items() if record in records else ():
                leaves = what["leaves"] if name == "create" else {what["leaf"]: what.get("value")}
                cells = {leaf: {"value": leaves[leaf], "version": version} for leaf in leaves}
                records[record]["leaves"] |= cells

    def settle(self, seq, id, outcome, **_):
        edit, *others = self.state["outbox"] or [{"id": None}]
        if edit["id"] != id: return  # It was settled before.
        [(name, what)] = outcome.items()
        if name == "applied":
            whole = self.state["records"].get(edit["record"], {"created": 0, "leaves": {}})
            for later in (later for later in others if later["record"] == edit["record"]):
                last = whole["leaves"].get(later["leaf"], {"version": whole["created"]})["version"]
                if last <= later["seen"] or last == what["version"]:  # Nobody wrote in between.
                    later["seen"] = max(later["seen"], what["version"])
            if what["version"] == self.version() + 1:
                self.apply(**({"effects": [] if what.get("skipped") else [edit]} | what))
        else: self.state["aside"].append(edit | {"outcome": outcome})  # For a person to decide.
        self.state, self.is_ready = self.state | {"outbox": others, "settled": seq}, True
        print(name, edit["record"], edit["leaf"], what.get("version", ""), flush=True)

    def version(self): return (self.state["cursor"] or {"version": 0})["version"]
    def resume(self, cursor, full, diverged, last_seq, outcomes, removed, records, leaves, **_):
        sealed = any("sealed" in edit for edit in self.state["outbox"])
        if not 0 <= last_seq - self.state["settled"] <= sealed or diverged and sealed:
            self.stop("the server remembers this client otherwise: it was restored from a backup, "
                      "or the file was copied and is used twice")
        if not full and not self.state["records"]:  # Deleted, when the right to read was lost.
            return self.send("subscribe", board=self.board)
        if diverged: self.state["outbox"] = [edit | {"seen": 0} for edit in self.state["outbox"]]
        copy = {} if full else self.state["records"]
        for mark in removed: copy.pop(mark["record"], None)
        copy |= {whole["record"]: whole for whole in records}
        for leaf in leaves: copy[leaf["record"]]["leaves"][leaf["leaf"]] = leaf
        self.state |= {"cursor": cursor, "records": copy}
        self.is_ready, self.attempt = True, 0
        for settled in outcomes: self.settle(**settled)

    def take(self, name, fields):
        self.after = fields.get("retry_after_ms", fields.get("reconnect_after_ms", self.after))
        match name:
            case "edit": self.edit(**fields)
            case "open":
                self.send("hello", protocol=1, client=self.state["client"], token=self.name,
                          boards=[{"board": self.board, "cursor": self.state["cursor"]}])
            case "resume" if fields.get("since", 0) <= self.version(): self.resume(**fields)
            case "outcome": self.settle(**fields)
            case "event" if fields["version"] == self.version() + 1: self.apply(**fields)
            case "ping": self.send("pong", nonce=fields["nonce"])
            case "close" if 4200 <= fields["code"] < 4400:
                self.stop(f"the server closed with {fields['code']}")
            case "error" if fields["code"] in FAULTS:
                if fields["code"] == "forbidden": self.state["records"] = {}  # The cursor stays.
                self.stop(f"{fields['code']}: {fields['detail']}")
            case "close" | "resume" | "event" | "expect" | "refused" | "error":
                raise OSError(name, fields)  # A new connection goes on from its resume.
        self.store()

    def read(self):
        for line in sys.stdin: self.events.put((None, "edit", {"line": line}))

    def run(self):
        (reading := threading.Thread(target=self.read, daemon=True)).start()
        while reading.is_alive() or not self.events.empty() or self.state["outbox"]:
            if not self.link and time.monotonic() >= self.due:
                self.link = http.client.HTTPConnection(self.url.netloc, timeout=15)
                threading.Thread(target=self.listen, args=[self.link], daemon=True).start()
            try:
                if self.is_ready and self.state["outbox"]: self.push()
                with contextlib.suppress(queue.Empty):
                    link, name, fields = self.events.get(timeout=0.1)
                    if link in (None, self.link): self.take(name, fields)
            except OSError:
                self.link, self.is_ready, self.attempt = None, False, self.attempt + 1
                backoff = random.uniform(0, min(15, 0.5 * 2 ** self.attempt))
                self.due, self.after = time.monotonic() + max(backoff, self.after / 1000), 0

Replica(*sys.argv[1:]).run()
