// @ts-check

/**
 * What this tab remembers of one shop. A browser that keeps nothing (cookies blocked) still sells:
 * then the memory ends with the page.
 *
 * @param {string} slug
 */
export function openStorage(slug) {
  const prefix = `kassa.demo.${slug}.`;
  const area = usableArea();

  /**
   * @param {string} name
   * @returns {unknown} undefined when there is nothing readable by this name
   */
  function read(name) {
    try {
      return JSON.parse(area.getItem(prefix + name) ?? 'null') ?? undefined;
    } catch {
      return undefined; // not written by this page: as good as nothing
    }
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  function write(name, value) {
    area.setItem(prefix + name, JSON.stringify(value));
  }

  /** @param {string} name */
  function forget(name) {
    area.removeItem(prefix + name);
  }

  return { read, write, forget };
}
/** @typedef {ReturnType<typeof openStorage>} Storage */

/** @returns {Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>} */
function usableArea() {
  try {
    sessionStorage.setItem('kassa.demo.probe', '');
    sessionStorage.removeItem('kassa.demo.probe');
    return sessionStorage;
  } catch {
    /** @type {Map<string, string>} */
    const memory = new Map();
    return {
      getItem: (key) => memory.get(key) ?? null,
      setItem: (key, value) => void memory.set(key, value),
      removeItem: (key) => void memory.delete(key),
    };
  }
}
