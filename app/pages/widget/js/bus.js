// Who is told what: the parts of the widget of each other, and the site of what it asked for with sc('on', …).

const listeners = new Map();

/** Calls back at each `event` until the returned function is called. */
export function listen(event, heard) {
  const those = listeners.get(event) || new Set();
  listeners.set(event, those.add(heard));
  return () => those.delete(heard);
}

/** Tells. A listener that throws keeps nobody else from hearing. */
export function tell(event, detail) {
  for (const heard of [...(listeners.get(event) || [])]) {
    try {
      heard(detail);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
  }
}

let drawing = false;

/** Something has changed that may be seen: everything is drawn once before the next picture. */
export function changed() {
  if (drawing) return;
  drawing = true;
  const draw = () => {
    if (!drawing) return;
    drawing = false;
    tell("draw");
  };
  requestAnimationFrame(draw);
  setTimeout(draw, 200);
}
