// Ties a unit's phone page together: the row that stands, the last tap, and the asks.

import { ServerClock } from "../clock.js";
import { Connection } from "../connection.js";
import { Link } from "../link.js";
import { newId } from "../send.js";
import { shown } from "../shown.js";
import { instant, moment as timeText } from "../times.js";
import { Words } from "../words.js";
import { Alarm } from "./alarm.js";
import { Asks } from "./asks.js";
import { Figures } from "./figures.js";
import { watchPlace, watchTaps } from "./guard.js";
import { likelyTime, Moment } from "./moment.js";
import { Outbox } from "./outbox.js";
import { startShell } from "./shell.js";
import { Taps } from "./taps.js";
import { plain, sourceName } from "./texts.js";
import { Told } from "./told.js";
import { undoOf } from "./undo.js";

const TICK = 1000;
const LATE = 10_000; // a tap that took longer than this to arrive is told with its own time

const page = document.body.dataset;
const isShell = "shell" in page;
const config = JSON.parse(page.config);
const words = new Words(JSON.parse(page.words));
const clock = new ServerClock(isShell ? likelyTime() : page.serverTime);
if (isShell) clock.sample(likelyTime());
const moment = new Moment(clock);
moment.told = (at) => timeText(words, at, moment.now());
const link = new Link(words, clock);
const figures = new Figures(words, config);
const told = new Told();
const alarm = new Alarm(words);
const outbox = new Outbox(config.unit, onOutbox);
const taps = new Taps({ words, config, moment, row: () => row, act });
const asks = new Asks({ words, config, clock: moment, alarm, say: sayOfAsk });

let row = JSON.parse(page.row);
let live = false;

// --- taps ------------------------------------------------------------------------------------

function act(body, undoing = false) {
  const before = row;
  const at = moment.now();
  const back = undoing ? null : undoOf(body, before, at, config.reasons);
  outbox.put({
    id: newId(),
    body: { ...body, observed_at: moment.take() },
    said: taps.describe(body),
    back,
    undone: undoing,
    replaces: outbox.pending?.said ?? null,
  });
  paint();
}

function wayBack(action) {
  if (action.undone) return null;
  const untried = outbox.pending?.id === action.id && !outbox.pending.tried;
  if (!action.back && !untried) return null;
  return () => {
    if (outbox.withdraw(action.id)) told.say(words.text("unit_undone", { said: action.said }), null);
    else if (action.back) act(action.back, true);
    paint();
  };
}

function onOutbox(what, action, answer) {
  const said = action.undone ? words.text("unit_undoing", { said: action.said }) : action.said;
  if (what === "sending") told.say(words.text("unit_saving", { said }), wayBack(action));
  else if (what === "kept" || what === "unsent") told.say(kept(action), wayBack(action));
  else if (what === "refused") told.say(words.text("unit_not_you", { said, time: timeOf(action) }), null);
  else settled(action, said, answer);
  paint();
}

function kept(action) {
  const key = outbox.durable ? "unit_kept" : "unit_kept_in_page";
  const text = words.text(key, { said: action.said, time: timeOf(action) });
  if (!action.replaces) return text;
  return `${text} ${words.text("unit_replaces", { said: action.replaces })}`;
}

function settled(action, said, { status, body }) {
  const time = timeOf(action);
  if (status !== 200) {
    const old = status === 422 && body?.field === "observed_at";
    told.say(words.text(old ? "unit_too_old" : "unit_refused", { said, time }), null);
    return;
  }
  if (!live) take(body.row);
  if (body.outcome === "superseded") {
    const newer = timeText(words, instant(body.row.observed_at), moment.now());
    const source = sourceName(body.row.source, words, config);
    const figure = plain(body.row, words, shown(body.row, moment.now(), words));
    told.say(words.text("unit_superseded", { said, time, figure, newer, source }), null);
    return;
  }
  const late = moment.now() - instant(action.body.observed_at) > LATE;
  const key = late ? "unit_saved_late" : "unit_saved";
  told.say(words.text(key, { said, time }), wayBack(action));
}

function timeOf(action) {
  return timeText(words, instant(action.body.observed_at), moment.now());
}

// News of an ask does not hide that a tap still waits.
function sayOfAsk(text) {
  const waits = outbox.pending;
  told.say(waits ? `${text} ${kept(waits)}` : text, waits ? wayBack(waits) : null);
}

// --- what stands -----------------------------------------------------------------------------

function take(found) {
  if (row && instant(found.observed_at) < instant(row.observed_at)) return;
  row = found;
}

function onFrame(frame) {
  if (frame.server_time) clock.sample(frame.server_time);
  const found = frame.rows?.find((each) => each.unit === config.unit);
  if (found) row = found;
  if (frame.live !== false) {
    link.heard();
    moment.heard();
  }
  paint();
}

function onState(state) {
  const was = live;
  live = state.name === "live";
  moment.live = live;
  link.show(state);
  watchPlace();
  if (!live || was) return;
  // A page from the shell is of the version that was here when it was kept: begin anew.
  if (isShell) location.reload();
  else outbox.flush();
}

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

function paint() {
  figures.paint(row, moment.now(), outbox.pending);
  asks.show(row);
  watchPlace();
}

function tick() {
  figures.paint(row, moment.now(), outbox.pending);
  asks.tick();
  alarm.tick();
  link.tick();
  told.tick();
  watchPlace();
}

for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
watchTaps();
if (isShell) outbox.shut();
const left = outbox.pending;
if (left) told.say(kept(left), wayBack(left));
link.show({ name: isShell ? "lost" : "connecting" });
paint();
setInterval(tick, TICK);
connection.start();
outbox.flush();
startShell(!isShell);
addEventListener("online", () => {
  connection.retryNow();
  outbox.flush();
});
addEventListener("pagehide", () => connection.stop());
addEventListener("pageshow", (event) => event.persisted && connection.start());
