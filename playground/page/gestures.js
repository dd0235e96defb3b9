/** What pointers do on a stage: click, Shift and click, long press, drag from one member to another. */

/** @typedef {import("swimlab/stage.js").Stage} Stage */
/** @typedef {import("swimlab/session.js").Session} Session */

/** Time after which a press is a long one, in milliseconds. */
const LONG_PRESS_MS = 500;

/** Distance that makes a press a drag, in pixels. */
const DRAG_PX = 10;

/** The gestures on one stage. */
export class Gestures {
  /**
   * @param {Session} session
   * @param {Stage} stage
   * @param {number} world
   */
  constructor(session, stage, world) {
    this.session = session;
    this.stage = stage;
    this.world = world;
    /** The link that is being drawn. @type {{from: number, x: number, y: number} | undefined} */
    this.drag = undefined;
    /** @type {{member: number, x: number, y: number, timer: number} | undefined} */
    this.press = undefined;
    const { canvas } = stage;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => this.cancel());
    canvas.addEventListener("pointerleave", () => this.hover(undefined));
    canvas.addEventListener("contextmenu", (event) => this.press && event.preventDefault());
    // A finger that starts on a member draws a link; elsewhere it scrolls the page.
    canvas.addEventListener("touchstart", (event) => this.press && event.preventDefault(), { passive: false });
  }

  /** @param {PointerEvent} event */
  memberAt(event) {
    return this.stage.memberAt(event.offsetX, event.offsetY);
  }

  /** @param {PointerEvent} event */
  down(event) {
    const member = event.button === 0 ? this.memberAt(event) : undefined;
    if (member === undefined) {
      return;
    }
    const timer = window.setTimeout(() => {
      this.cancel();
      this.session.act(member, "pause");
    }, LONG_PRESS_MS);
    this.press = { member, x: event.offsetX, y: event.offsetY, timer };
    this.stage.canvas.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { press } = this;
    if (press === undefined) {
      this.hover(this.memberAt(event));
      return;
    }
    if (this.drag || Math.hypot(event.offsetX - press.x, event.offsetY - press.y) > DRAG_PX) {
      clearTimeout(press.timer);
      this.drag = { from: press.member, x: event.offsetX, y: event.offsetY };
      this.hover(this.memberAt(event));
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    const { press, drag } = this;
    this.cancel();
    if (press === undefined) {
      return;
    }
    const member = this.memberAt(event);
    if (drag === undefined) {
      this.session.act(press.member, event.shiftKey ? "pause" : this.session.tool);
    } else if (member !== undefined && member !== press.member) {
      this.session.cutFrom = undefined;
      this.session.cut(press.member, member, this.session.oneWay || event.altKey);
    }
  }

  cancel() {
    clearTimeout(this.press?.timer);
    this.press = undefined;
    this.drag = undefined;
  }

  /** @param {number | undefined} member */
  hover(member) {
    this.session.hovered = member === undefined ? undefined : { world: this.world, member };
  }
}
