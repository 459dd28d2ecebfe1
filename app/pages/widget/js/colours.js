// Colours that can be read, whatever accent a site has chosen (WCAG 2.2: 4.5 to 1 for text).

const READABLE = 4.5;

/** The properties of a look: the accent, what is written on it, and the accent as a colour of text on a bubble. */
export function palette({ accent, on_accent: onAccent }, dark) {
  const main = parse(accent) || [37, 99, 235];
  const ground = dark ? [43, 47, 56] : [242, 244, 247];
  const given = parse(onAccent);
  const on = given && contrast(given, main) >= READABLE ? given : darkOrLight(main);
  return {
    "--accent": css(main),
    "--accent-2": css(mix(main, on[0] > 128 ? [0, 0, 30] : [255, 255, 255], 0.22)),
    "--on-accent": css(on),
    "--accent-text": css(readable(main, ground, dark ? [255, 255, 255] : [0, 0, 0])),
  };
}

/** A colour of its own for somebody's initial, always the same for the same name. */
export function hueOf(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

function darkOrLight(ground) {
  const white = [255, 255, 255];
  return contrast(white, ground) >= READABLE || contrast(white, ground) >= contrast([17, 20, 26], ground)
    ? white
    : [17, 20, 26];
}

function readable(colour, ground, towards) {
  let found = colour;
  for (let part = 0; part < 1 && contrast(found, ground) < READABLE; part += 0.08) found = mix(colour, towards, part);
  return found;
}

function contrast(one, other) {
  const [more, less] = [light(one), light(other)].sort((a, b) => b - a);
  return (more + 0.05) / (less + 0.05);
}

function light(colour) {
  const [r, g, b] = colour
    .map((part) => part / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function mix(one, other, part) {
  return one.map((value, place) => Math.round(value + (other[place] - value) * part));
}

function parse(text) {
  const found = /^#([0-9a-f]{6})$/i.exec(text || "");
  return found && [0, 2, 4].map((place) => parseInt(found[1].slice(place, place + 2), 16));
}

function css(colour) {
  return `rgb(${colour.join(" ")})`;
}
