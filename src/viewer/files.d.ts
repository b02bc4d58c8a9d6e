/** Imported as text, embedded in the executable. */
declare module '*.min.js' {
  const text: string
  export default text
}
