// Ties the page together: the server's texts and clock, the live channel, and the board.

import { Board } from "./board.js";
import { Call } from "./call.js";
import { ServerClock } from "./clock.js";
import { Connection } from "./connection.js";
import { Filters } from "./filters.js";
import { Link } from "./link.js";
import { say } from "./say.js";
import { Surge } from "./surge.js";
import { Words } from "./words.js";

const TICK = 1000; // ages and staleness move on the server's clock, without any message

const page = document.body.dataset;
const words = new Words(JSON.parse(page.words));
const clock = new ServerClock(page.serverTime);
const link = new Link(words, clock);
const filters = new Filters(words, onNeed);
const board = new Board({ words, clock, filters, onError });
const panel = document.querySelector("[data-call]");
const strip = document.querySelector("[data-surge-strip]");
const surge = strip && new Surge(strip, words, clock);
const call = panel && new Call({ panel, words, clock, filters, board });

const connection = new Connection({
  address: `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${page.live}`,
  cursor: page.cursor,
  timing: {
    watchdog: Number(page.watchdogMs),
    retry: Number(page.retryMs),
    retryMax: Number(page.retryMaxMs),
  },
  onFrame,
  onState,
});

function onFrame(frame) {
  if (frame.server_time) clock.sample(frame.server_time);
  if (frame.type === "snapshot") board.replace(frame.rows);
  else if (frame.type === "rows") board.apply(frame.rows);
  surge?.show(frame.surge);
  if (frame.rows) call?.rowsChanged();
  if (frame.surge) call?.surgeIs(frame.surge.level);
  if (frame.live !== false) link.heard();
}

function onState(state) {
  const before = document.body.dataset.link;
  link.show(state);
  if (before !== document.body.dataset.link) {
    board.paint();
    surge?.linkIs(state.name === "live");
    call?.linkIs(state.name === "live");
  }
}

// `choice` is what a person chose or let go of; null when the address changed otherwise.
function onNeed(choice) {
  board.paint();
  call?.needChanged();
  if (!choice) return;
  const told = words.text(choice.chosen ? "need_added" : "need_removed", { name: choice.name });
  say(`${told} ${board.count}`.trim(), { quiet: true });
}

// A board that cannot draw must not look live.
function onError(error) {
  console.error("the board could not be drawn; asking for a snapshot", error);
  connection.restart();
}

function tick() {
  board.paint();
  call?.paint();
  surge?.paint();
  link.tick();
}

link.show({ name: "connecting" });
setInterval(tick, TICK);
connection.start();
tick();
addEventListener("online", () => connection.retryNow());
addEventListener("pagehide", () => connection.stop());
addEventListener("pageshow", (event) => event.persisted && connection.start());
