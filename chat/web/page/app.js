"use strict";

const $ = (id) => document.getElementById(id);
const form = $("form"), question = $("question"), turns = $("turns");

/** What the server says of itself: models, note, settings. */
let about = { models: [] };
/** Each model's own conversation, by its id: [{question, answer}]. */
let histories = {};
/** What is being answered now. */
let asking = new Set();
/** Counts up with every new conversation, so that a late answer is not taken into the next one. */
let conversation = 0;

/** The word that the printed address ends with: whoever has it may ask. Kept for this tab, and not in its address. */
function word() {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem("word", given);
    history.replaceState(null, "", "/");
  }
  return sessionStorage.getItem("word") ?? "";
}

const authorization = { Authorization: `Bearer ${word()}` };

async function start() {
  try {
    const response = await fetch("/about", { headers: authorization });
    if (!response.ok) return unable(await response.text());
    about = await response.json();
  } catch {
    return unable("The chat's server does not answer. Start it again with make chat-ui, then open the address it prints.");
  }
  if (about.note) {
    $("note").textContent = about.note;
    $("note").hidden = false;
  }
  if (about.models.length < 2) {
    $("lead").textContent = "The base model is not deployed (serving.compareWithBase is off): the fine-tuned one answers alone.";
  }
  $("temperature").value = about.temperature;
  $("length").value = about.max_new_tokens;
  forget();
}

function unable(why) {
  $("lead").textContent = why;
  question.disabled = $("send").disabled = $("example").disabled = true;
}

function forget() {
  for (const each of asking) each.abort();
  asking.clear();
  conversation += 1;
  histories = Object.fromEntries(about.models.map((model) => [model.id, []]));
  turns.replaceChildren();
  $("welcome").hidden = false;
  busy();
  question.focus();
}

function busy() {
  const now = asking.size > 0;
  $("send").hidden = now;
  $("stop").hidden = !now;
}

function ask(text) {
  $("welcome").hidden = true;
  const turn = $("turn").content.cloneNode(true);
  turn.querySelector(".question .text").textContent = text;
  const answers = turn.querySelector(".answers");
  const cards = about.models.map((model) => {
    const card = $("answer").content.cloneNode(true).firstElementChild;
    card.classList.add(model.id);
    card.querySelector("h3").textContent = model.label;
    card.setAttribute("aria-label", model.label);
    answers.append(card);
    return [model, card];
  });
  turns.append(turn);
  // At once, for each model on its own: neither waits for the other.
  const all = cards.map(([model, card]) => answer(model, card, text));
  turns.lastElementChild.scrollIntoView({ block: "start" });
  Promise.all(all).then((said) => { $("status").textContent = said.filter(Boolean).join(". "); });
}

/** Asks one model and shows its answer as it comes; resolves to what a screen reader should say. */
async function answer(model, card, text) {
  const stop = new AbortController(), mine = conversation;
  const body = {
    model: model.id,
    question: text,
    history: histories[model.id],
    temperature: Number($("temperature").value),
    max_new_tokens: Number($("length").value),
  };
  show(card, { begin: true });
  asking.add(stop);
  busy();
  let end = null, said = "";
  try {
    const response = await fetch("/answers", {
      method: "POST",
      headers: { ...authorization, "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: stop.signal,
    });
    for await (const event of events(response)) {
      if (event.text) {
        said += event.text;
        show(card, { text: event.text });
      } else {
        end = event;
      }
    }
    end ??= { error: { message: "The chat's server broke off. Ask again." } };
  } catch (error) {
    const stopped = error.name === "AbortError";
    end = stopped ? { stopped: true }
      : { error: { message: "The chat's server does not answer. Start it again with make chat-ui, then open the address it prints." } };
  }
  asking.delete(stop);
  busy();
  if (mine !== conversation) return "";
  const whole = end.end?.answer ?? end.error?.text;
  if (whole) histories[model.id].push({ question: text, answer: whole });
  show(card, end);
  if (end.error) {
    offerAgain(card, end.error, () => {
      if (whole) histories[model.id].pop();
      answer(model, card, text);
    });
  }
  return end.end ? `${model.label}: ${said}` : "";
}

/** The events of a response: one JSON object a line, or one in all where the server refused. */
async function* events(response) {
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) {
    yield { error: { message: (await response.text()).slice(0, 300) || `The chat's server answered ${response.status}.` } };
    return;
  }
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) if (line.trim()) yield JSON.parse(line);
    if (done) return;
  }
}

function show(card, event) {
  const text = card.querySelector(".text"), error = card.querySelector(".error"), cut = card.querySelector(".cut");
  const nearEnd = innerHeight + scrollY > document.documentElement.scrollHeight - 80;
  if (event.begin) {
    text.textContent = card.querySelector(".figures").textContent = "";
    error.hidden = cut.hidden = true;
  }
  if (event.text) text.append(event.text);
  card.setAttribute("aria-busy", String(Boolean(event.begin || event.text)));
  if (event.end) {
    text.textContent = event.end.answer;
    card.querySelector(".figures").textContent = figures(event.end);
    const notes = [];
    if (event.end.cut_off) notes.push(`The answer ends here because it reached its length, ${$("length").value} tokens. Settings allow more.`);
    if (event.end.left_out) notes.push(`The conversation has outgrown the model's context: its first ${event.end.left_out} turn${event.end.left_out > 1 ? "s were" : " was"} not sent.`);
    cut.textContent = notes.join(" ");
    cut.hidden = !notes.length;
  }
  if (event.stopped) card.querySelector(".figures").textContent = "stopped";
  if (event.error) {
    error.querySelector("p").textContent = event.error.message;
    error.hidden = false;
  }
  if (nearEnd) scrollTo(0, document.documentElement.scrollHeight);
}

function figures(end) {
  const parts = [`${end.seconds.toFixed(1)} s`];
  if (end.seconds - end.first_seconds >= 0.1) parts[0] += `, first word after ${end.first_seconds.toFixed(1)} s`;
  if (end.tokens) parts.push(`${end.tokens} token${end.tokens > 1 ? "s" : ""}`);
  if (end.deployment) parts.push(end.deployment);
  return parts.join(" · ");
}

/** The button of an error; where the endpoint says how long to wait, it waits. */
function offerAgain(card, error, again) {
  const button = card.querySelector(".error button");
  let left = Math.ceil(error.retry_after ?? 0);
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Ask again in ${left} s` : "Ask again";
    if (left-- > 0) setTimeout(tick, 1000);
  };
  button.onclick = again;
  tick();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || asking.size) return;
  question.value = "";
  fit();
  ask(text);
});

question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

function fit() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight + 2}px`;
}

question.addEventListener("input", fit);
$("reset").addEventListener("click", forget);
$("stop").addEventListener("click", () => { for (const each of asking) each.abort(); question.focus(); });
$("example").addEventListener("click", (event) => ask(event.currentTarget.textContent));
start();
