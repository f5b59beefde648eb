/** A row's place in a list that is read by time; ids part the rows of one moment. */
export type Moment = {
  /** Since 1970. A Date has no microseconds, and would skip or repeat rows. */
  readonly micros: string;
  readonly id: string;
};
