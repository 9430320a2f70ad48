/** @import { ComponentChildren } from 'preact' */

/**
 * A part of the desk, with a few words on what one sees in it.
 *
 * @param {{ id: string, title: string, help: ComponentChildren, aside?: ComponentChildren, children: ComponentChildren }} props
 */
export function Panel({ id, title, help, aside, children }) {
  return (
    <section class={`panel ${id}`} aria-labelledby={`${id}-title`}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        {aside}
        <button type="button" class="ask" popovertarget={`${id}-help`} aria-label={`${title}: what one sees here`}>?</button>
      </header>
      <div id={`${id}-help`} class="help" popover="auto">{help}</div>
      {children}
    </section>
  )
}
