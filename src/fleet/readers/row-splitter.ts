/** Where the fields of a row of separated text begin, and how to find them where the text holds the separator itself. */

/** Fields of free text, where a delimiter may stand inside a value. */
export const FREE_TEXT = [
  "SubmitLine",
  "Comment",
  "AdminComment",
  "SystemComment",
  "JobName",
  "WorkDir",
  "Reason",
  "Extra",
];

/** The fields of each row, by the names that this project uses, and the byte between them. */
export interface Header {
  readonly fields: readonly string[];
  readonly delimiter: number;
}

/** How many rows so many bytes may hold: a row is seldom shorter than the names of its fields. */
export function expectedRows(bytes: number, { fields }: Header): number {
  return Math.ceil(bytes / fields.join(" ").length);
}

/** Most fields that one row may hold beyond its header's, for delimiters inside free text. */
const EXTRA_FIELDS = 256;

const TIME_FIELDS = new Set(["Submit", "Eligible", "Start", "End"]);

export class RowSplitter {
  /** Start of each field of the row at hand; one more holds its end. Each field ends a byte before the next. */
  readonly starts: Int32Array;
  readonly #fields: number;
  readonly #delimiter: number;
  readonly #freeText: readonly number[];
  /** 1 for each field that is a time. */
  readonly #isTime: Uint8Array;
  /** The bytes that the last row stood in, and the same bytes to be read four at a time. */
  #bytes: Buffer = Buffer.alloc(0);
  #words: DataView = new DataView(new ArrayBuffer(0));

  constructor({ fields, delimiter }: Header) {
    this.#fields = fields.length;
    this.#delimiter = delimiter;
    this.starts = new Int32Array(fields.length + EXTRA_FIELDS + 1);
    this.#freeText = FREE_TEXT.map((field) => fields.indexOf(field)).filter((index) => index >= 0);
    this.#isTime = new Uint8Array(this.starts.length);
    for (const [index, field] of fields.entries()) this.#isTime[index] = Number(TIME_FIELDS.has(field));
  }

  /** Splits `bytes[start..end)` and returns how many fields there are; infinite where there are far too many. */
  split(bytes: Buffer, start: number, end: number): number {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const words = this.#words;
    const starts = this.starts;
    const delimiter = this.#delimiter;
    const fourDelimiters = delimiter * 0x01010101;
    const isTime = this.#isTime;
    let count = 1;
    starts[0] = start;
    for (let i = start; i < end; ) {
      if (i + 4 <= end) {
        // Four bytes at a time: those that are the delimiter become 0, and a byte that is 0 shows in its highest bit.
        const word = words.getUint32(i, true) ^ fourDelimiters;
        const found = (word - 0x01010101) & ~word & 0x80808080;
        if (found === 0) {
          i += 4;
          continue;
        }
        i += (31 - Math.clz32(found & -found)) >> 3;
      } else if (bytes[i] !== delimiter) {
        i++;
        continue;
      }
      if (count === starts.length - 1) return Number.POSITIVE_INFINITY;
      i++;
      starts[count] = i;
      // Half of a row's bytes are times of one length, which need no search for their end.
      if (isTime[count] === 1 && i + 19 < end && isPlainTime(bytes, i, delimiter)) i += 19;
      count++;
    }
    starts[count] = end + 1;
    return count;
  }

  /**
   * Gives the fields too many to the free-text field that leaves every typed field readable. Where several do, the
   * one most likely to hold a pipe (the command line, then comments) is taken.
   */
  realign(count: number, readable: () => boolean): boolean {
    if (!Number.isFinite(count)) return false;
    const surplus = count - this.#fields;
    const split = this.starts.slice(0, count + 1);
    for (const field of this.#freeText) {
      for (let i = 0; i <= this.#fields; i++) this.starts[i] = split[i <= field ? i : i + surplus]!;
      if (readable()) return true;
    }
    return false;
  }
}

/** `2026-11-22T20:05:26` and then the delimiter, as far as what stands between the digits tells. */
function isPlainTime(bytes: Buffer, start: number, delimiter: number): boolean {
  return (
    bytes[start + 19] === delimiter &&
    bytes[start + 4] === 45 &&
    bytes[start + 7] === 45 &&
    bytes[start + 10] === 84 &&
    bytes[start + 13] === 58 &&
    bytes[start + 16] === 58
  );
}
