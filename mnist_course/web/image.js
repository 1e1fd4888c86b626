// An image of a digit: bytes in 0..255, row by row.

export const SIDE = 28; // its pixels each way

// One of the images that stand one after another.
export const imageOf = (images, index) =>
  images.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE);

// An image moved by whole pixels; what leaves it is cut off, and paper comes in.
export function moved(bytes, across, down) {
  const image = new Uint8Array(SIDE * SIDE);
  for (let row = Math.max(0, down); row < Math.min(SIDE, SIDE + down); row += 1) {
    for (let column = Math.max(0, across); column < Math.min(SIDE, SIDE + across); column += 1) {
      image[row * SIDE + column] = bytes[(row - down) * SIDE + column - across];
    }
  }
  return image;
}
