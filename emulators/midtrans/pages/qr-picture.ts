import { createHash } from 'node:crypto';
import { Html } from './html.ts';

const size = 25;
const eye = 7;

/** Looks like a QR code and is none, so that no app can take it for one that can be paid. */
export function qrPicture(seed: string): Html {
  const cells: string[] = [];
  for (let y = 0; y < size; y += 1) {
    const row = createHash('sha256').update(`${seed} ${y}`).digest();
    for (let x = 0; x < size; x += 1) {
      const isDark = isCorner(x, y) ? isEye(x, y) : ((row[x] ?? 0) & 1) === 1;
      if (isDark) cells.push(`M${x} ${y}h1v1h-1z`);
    }
  }
  return new Html(
    `<svg class="qr" viewBox="-2 -2 ${size + 4} ${size + 4}" role="img" ` +
      `aria-label="A picture in the place of the QR code"><path d="${cells.join('')}"/></svg>`,
  );
}

/** One cell more than the eye itself: its quiet border. */
function isCorner(x: number, y: number): boolean {
  const isLeft = x <= eye;
  const isTop = y <= eye;
  return (isLeft && isTop) || (x >= size - eye - 1 && isTop) || (isLeft && y >= size - eye - 1);
}

function isEye(x: number, y: number): boolean {
  const inside = [x > eye ? x - (size - eye) : x, y > eye ? y - (size - eye) : y];
  if (inside.some((place) => place < 0 || place >= eye)) return false;
  const ring = Math.max(...inside.map((place) => Math.abs(place - 3)));
  return ring !== 2;
}
