/** What the client says about the terminal it runs in; the controller renders for it. */
export type Terminal = {
  /** stdin, stdout and stderr each a terminal or not. */
  tty: { stdin: boolean; stdout: boolean; stderr: boolean }
  columns: number
  rows: number
  /** Colours wanted: a terminal, and no NO_COLOR. */
  color: boolean
}
