/** @import { ComponentChildren } from 'preact' */

/**
 * One figure with its name.
 *
 * @param {{ name: ComponentChildren, isTelling?: boolean, children: ComponentChildren }} props `isTelling`: it is what one looks for
 */
export function Figure({ name, isTelling = false, children }) {
  return (
    <div class={isTelling ? 'figure telling' : 'figure'}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
