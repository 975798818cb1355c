"""A board in a terminal, written from docs/protocol.md alone: client.py URL BOARD FILE [NAME]
Each line `RECORD LEAF JSON` of the input is an edit; FILE keeps the copy and the outbox."""
import base64, contextlib, http.client, json, os, queue, random, sys, threading, time, urllib.parse

# Errors that are the client's fault: it does not help to try again.
FAULTS = ("malformed undecodable invalid too_large forbidden not_subscribed bad_query protocol "
          "wrong_user unauthorised cloned").split()

class Replica:
    def __init__(self, url, board, path, name="guest"):
        self.url, self.board, self.path, self.name = urllib.parse.urlsplit(url), board, path, name
        self.events, self.link, self.is_ready, self.is_done = queue.Queue(), None, False, False
        self.attempt, self.due, self.after = 0, 0, 0
        self.state = json.load(open(path)) if os.path.exists(path) else {
            "client": os.urandom(16).hex(), "cursor": None, "records": {}, "settled": 0,
            "outbox": [], "aside": []}

    def store(self):
        with open(self.path + ".new", "w") as file:
            json.dump(self.state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)

    def stop(self, why):
        """Ends with a sentence, where only a person can put it right."""
        self.store()
        sys.exit(f"{why}; the edits are kept in {self.path}")

    def listen(self, link):
        """Puts every message of a WebSocket into `events`, and "close" at the end."""
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
                   "Sec-WebSocket-Protocol": "driftless.v1.json"}
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            link.request("GET", self.url.path, headers=headers)
            if (answer := link.getresponse()).status == 101:
                self.events.put((link, "open", {}))
            while head := answer.status == 101 and answer.fp.read(2):
                wide = {126: 2, 127: 8}.get(head[1], 0)
                size = int.from_bytes(answer.fp.read(wide), "big") if wide else head[1]
                data = answer.fp.read(size)
                if head[0] == 0x81:
                    self.events.put((link, *json.loads(data).popitem()))
                elif head[0] == 0x88:
                    self.events.put((link, "close", {"code": int.from_bytes(data[:2], "big")}))
        self.events.put((link, "close", {"code": 1006}))

    def send(self, name, **fields):
        data, mask = json.dumps({name: fields}, allow_nan=False).encode(), os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self.link.sock.sendall(b"\x81\xff" + len(data).to_bytes(8, "big") + mask + masked)

    def edit(self, line):
        (record, leaf, text), cursor = line.split(" ", 2), self.state["cursor"] or {"version": 0}
        known = [*self.state["records"], *(edit["record"] for edit in self.state["outbox"])]
        op = {"set": {"leaf": leaf, "value": json.loads(text)}} if record in known else {
            "create": {"kind": "note", "leaves": {leaf: json.loads(text)}}}
        self.state["outbox"].append({"id": os.urandom(16).hex(), "record": record, "leaf": leaf,
                                     "seen": cursor["version"], "op": op})

    def push(self):
        """Seals the oldest edit, stores that, and sends it; the next one waits for its outcome."""
        edit, self.is_ready = self.state["outbox"][0], False
        if "seq" not in edit:
            content = {"id": edit["id"], "label": f"Set {edit['leaf']}",
                       "changes": [{name: edit[name] for name in ("record", "seen", "op")}]}
            edit |= {"seq": self.state["settled"] + 1, "payload": json.dumps(content)}
            self.store()
        self.send("push", board=self.board, settled=self.state["settled"],
                  **{name: edit[name] for name in ("seq", "id", "payload")})

    def apply(self, version, check, effects, **_):
        records, self.state["cursor"] = self.state["records"], {"version": version, "check": check}
        for record, op in ((effect["record"], effect["op"]) for effect in effects):
            name, what = (op, {}) if op == "remove" else next(iter(op.items()))
            if name == "remove":
                records.pop(record, None)
            elif name == "create":
                records.setdefault(record, {"created": version, "leaves": {}})
            leaves = what.get("leaves", {what.get("leaf"): what.get("value")})
            for leaf, value in leaves.items() if record in records else ():
                records[record]["leaves"][leaf] = {"value": value, "version": version}

    def settle(self, seq, id, outcome, is_streamed=False, **_):
        edit, *others = self.state["outbox"] or [{"id": None}]
        if (edit.get("seq"), edit["id"]) != (seq, id):
            return  # It was settled before.
        name, what = next(iter(outcome.items()))
        if name == "applied":
            whole = self.state["records"].get(edit["record"], {"created": 0, "leaves": {}})
            for later in (later for later in others if later["record"] == edit["record"]):
                last = whole["leaves"].get(later["leaf"], {"version": whole["created"]})["version"]
                if last <= later["seen"] or last == what["version"]:  # Nobody wrote in between.
                    later["seen"] = max(later["seen"], what["version"])
            if is_streamed and what["version"] == self.state["cursor"]["version"] + 1:
                self.apply(**({"effects": [] if what.get("skipped") else [edit]} | what))
        else:  # Kept for a person to decide.
            self.state["aside"].append(edit | {"outcome": outcome})
        self.state, self.is_ready = self.state | {"outbox": others, "settled": seq}, True
        print(name, edit["record"], edit["leaf"], what.get("version", ""), flush=True)

    def resume(self, cursor, full, diverged, last_seq, outcomes, removed, records, leaves, **_):
        settled, outbox = self.state["settled"], self.state["outbox"]
        sealed = any("seq" in edit for edit in outbox)
        if not settled <= last_seq <= settled + sealed or diverged and sealed:
            self.stop("the server remembers this client otherwise: it was restored from a backup, "
                      "or the file was copied and is used twice")
        if not full and not self.state["records"]:  # Deleted, when the right to read was lost.
            return self.send("subscribe", board=self.board)
        for edit in outbox if diverged else ():
            edit["seen"] = 0  # What its author saw then may never have been.
        copy = {} if full else self.state["records"]
        for gone in removed:
            copy.pop(gone["record"], None)
        copy |= {whole["record"]: whole for whole in records}
        for leaf in leaves:
            copy[leaf["record"]]["leaves"][leaf["leaf"]] = leaf
        self.state |= {"cursor": cursor, "records": copy}
        self.is_ready, self.attempt = True, 0
        for settled in outcomes:
            self.settle(**settled)

    def take(self, name, fields):
        self.after = fields.get("retry_after_ms", fields.get("reconnect_after_ms", self.after))
        if name == "edit":
            self.edit(**fields)
        elif name == "open":
            self.send("hello", protocol=1, client=self.state["client"], token=self.name,
                      boards=[{"board": self.board, "cursor": self.state["cursor"]}])
        elif name == "resume":
            self.resume(**fields)
        elif name == "outcome":
            self.settle(is_streamed=True, **fields)
        elif name == "event" and fields["version"] == self.state["cursor"]["version"] + 1:
            self.apply(**fields)
        elif name == "ping":
            self.send("pong", nonce=fields["nonce"])
        elif name == "close" and 4200 <= fields["code"] < 4400:
            self.stop(f"the server closed with {fields['code']}")
        elif name == "error" and fields["code"] in FAULTS:
            if fields["code"] == "forbidden":  # The copy is to be deleted, the cursor kept.
                self.state["records"] = {}
            self.stop(f"{fields['code']}: {fields['detail']}")
        elif name in ("close", "event", "expect", "refused", "error"):
            raise OSError(name, fields)  # A new connection goes on from its resume.
        self.store()

    def read(self):
        for line in sys.stdin:
            self.events.put((None, "edit", {"line": line}))
        self.is_done = True

    def run(self):
        threading.Thread(target=self.read, daemon=True).start()
        while not (self.is_done and self.events.empty()) or self.state["outbox"]:
            if not self.link and time.monotonic() >= self.due:
                self.link = http.client.HTTPConnection(self.url.netloc, timeout=15)
                threading.Thread(target=self.listen, args=[self.link], daemon=True).start()
            try:
                if self.is_ready and self.state["outbox"]:
                    self.push()
                with contextlib.suppress(queue.Empty):
                    link, name, fields = self.events.get(timeout=0.1)
                    if link in (None, self.link):
                        self.take(name, fields)
            except OSError:
                self.link, self.is_ready, self.attempt = None, False, self.attempt + 1
                backoff = random.uniform(0, min(15, 0.5 * 2 ** self.attempt))
                self.due, self.after = time.monotonic() + max(backoff, self.after / 1000), 0

Replica(*sys.argv[1:]).run()
