/**
 * A value that must not be printed: logs, errors, JSON and template strings show `[secret]`.
 * `reveal()` is called where the value is used, and nowhere else.
 */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  // What console and util.inspect ask; by name, because the domain imports nothing of Node.
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}
