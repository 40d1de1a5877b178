"""XML files without document types, whose entities could grow without limit."""

from pathlib import Path
from xml.etree import ElementTree


def parse_xml(path: Path) -> ElementTree.Element:
    """Parse an XML file.

    Raises:
        ValueError: the file declares a document type.
        xml.etree.ElementTree.ParseError: the file is not valid XML.
    """
    return ElementTree.parse(path, ElementTree.XMLParser(target=_PlainTree())).getroot()


class _PlainTree(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError(f"it declares the document type {name}; remove the declaration")
