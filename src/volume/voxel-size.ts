/** Units of length as webKnossos and OME spell them, in nanometres. Parsec and the like are in the specification; nobody was seen using them. */
const NM: Record<string, number> = {
  yoctometer: 1e-15,
  zeptometer: 1e-12,
  attometer: 1e-9,
  femtometer: 1e-6,
  picometer: 1e-3,
  pm: 1e-3,
  angstrom: 0.1,
  å: 0.1,
  nanometer: 1,
  nm: 1,
  micrometer: 1e3,
  micron: 1e3,
  um: 1e3,
  µm: 1e3,
  μm: 1e3,
  millimeter: 1e6,
  mm: 1e6,
  centimeter: 1e7,
  cm: 1e7,
  decimeter: 1e8,
  inch: 2.54e7,
  in: 2.54e7,
  foot: 3.048e8,
  yard: 9.144e8,
  meter: 1e9,
  m: 1e9,
  kilometer: 1e12,
  hectometer: 1e11,
  decameter: 1e10,
  megameter: 1e15,
  gigameter: 1e18,
  terameter: 1e21,
  petameter: 1e24,
  exameter: 1e27,
  zettameter: 1e30,
  yottameter: 1e33,
  mile: 1.609344e12,
  parsec: 3.0856775814913673e25,
}

/** Nanometres of one such unit, or undefined where the word is not known (pixel, "", …). */
export function nanometersPer(unit: string): number | undefined {
  const word = unit.trim().toLowerCase().replace('metre', 'meter').replace(/s$/, '')
  return NM[word] ?? NM[unit.trim().replace('\\u00B5', 'µ').toLowerCase()]
}
