import { createHash } from 'node:crypto';

/** A master key that every run makes again; production refuses its name. */
export function masterKeyOf(id: string): string {
  return `${id}:${createHash('sha256').update(`a master key of tests: ${id}`).digest('base64')}`;
}

/** What the processes of tests are given, unless a test is about these keys. */
export const testMasterKeys = masterKeyOf('test1');
