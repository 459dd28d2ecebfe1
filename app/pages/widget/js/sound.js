// Two soft notes, made here. Off until the visitor turns them on; of several tabs, one plays.

import { inTurn, recall, remember } from "./storage.js";

let audio = null;

export function soundIsOn() {
  return recall("sound") === true;
}

export function turnSound(on) {
  remember("sound", on);
  if (on) play();
}

/** Plays for a message, unless another tab has. */
export function soundFor(id) {
  if (!soundIsOn()) return;
  inTurn("sound", async () => {
    if (recall("played") === id) return;
    remember("played", id);
    play();
  });
}

function play() {
  try {
    audio = audio || new AudioContext();
    audio.resume();
    [
      [660, 0],
      [880, 0.11],
    ].forEach(([pitch, after]) => note(pitch, audio.currentTime + after));
  } catch {
    audio = null;
  }
}

function note(pitch, at) {
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.08, at + 0.015);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.28);
  tone.connect(volume).connect(audio.destination);
  tone.start(at);
  tone.stop(at + 0.3);
}
