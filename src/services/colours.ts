/** What a second link is called after, in the order taken. */
const colours =
  'AMBER AQUA AZURE BEIGE BLUE BRONZE BROWN CORAL CRIMSON CYAN GOLD GREEN GREY INDIGO IVORY JADE LIME MAGENTA MAROON NAVY OLIVE ORANGE PINK PURPLE RED ROSE RUBY SILVER TEAL VIOLET WHITE YELLOW'.split(
    ' ',
  )

/** The first `<COLOUR>_URL` that is not taken; after all colours, `AMBER_2_URL` and so on. */
export function colourName(taken: (name: string) => boolean): string {
  for (let round = 1; ; round++) {
    const suffix = round === 1 ? '_URL' : `_${round}_URL`
    const free = colours.find((colour) => !taken(`${colour}${suffix}`))
    if (free !== undefined) return `${free}${suffix}`
  }
}
