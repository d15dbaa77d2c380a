import type { Component } from "./component.ts";
import type { DueTimes } from "./due-times.ts";
import type { Ownership } from "./ownership.ts";

/**
 * Where runtimes agree: one database for both, shared by all runtimes of a group. Groups that share a database do not
 * see each other; the group is the setting `group` of the component.
 */
export interface Coordination extends Component {
  readonly ownership: Ownership;
  readonly dueTimes: DueTimes;
}
