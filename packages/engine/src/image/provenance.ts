/**
 * How a picture came to be, in IPTC's terms (cv.iptc.org/newscodes/digitalsourcetype): made by a trained model, or by a model
 * in parts of a picture that was given.
 */
export type DigitalSourceType = "trainedAlgorithmicMedia" | "compositeWithTrainedAlgorithmicMedia";

/**
 * An XMP packet (ISO 16684-1) that says so, for readers of IPTC's photo metadata (`Iptc4xmpExt:DigitalSourceType`), with the
 * software's name.
 */
export function provenanceXmp(source: DigitalSourceType): string {
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="Atoma" Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/${source}"/>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`;
}
