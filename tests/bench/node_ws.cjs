// A peer of fan-out: `ws` for node, one frame for all sockets. Arguments: port, Valkey's socket.
const net = require("net");
const { WebSocketServer, Sender } = require("ws");
const options = { host: "127.0.0.1", port: +process.argv[2], backlog: 4096 };
const server = new WebSocketServer({ ...options, perMessageDeflate: false });
const frameOf = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true };
const head = Buffer.from("*3\r\n$7\r\nmessage\r\n$6\r\ndeltas\r\n$");
const store = net.connect(process.argv[3]);
store.write("*2\r\n$9\r\nSUBSCRIBE\r\n$6\r\ndeltas\r\n");
let rest = Buffer.alloc(0);
store.on("data", (data) => {
  rest = rest.length ? Buffer.concat([rest, data]) : data;
  for (;;) {
    const at = rest.indexOf(head);
    const size = at + head.length;
    const line = at < 0 ? -1 : rest.indexOf("\r\n", size);
    if (line < 0) return;
    const end = line + 2 + Number(rest.subarray(size, line).toString());
    if (rest.length < end + 2) return;
    const frame = Buffer.concat(Sender.frame(rest.subarray(line + 2, end), frameOf));
    for (const board of server.clients) board._socket.write(frame);
    rest = rest.subarray(end + 2);
  }
});
