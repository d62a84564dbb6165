"""Every word that stands on a paper, in every language of an account (BILLING 8).

One row per word, so that a translator sees the languages side by side. ``{…}`` is filled in, and
``~`` keeps its neighbours on one line.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from domain.accounts import LOCALES
from domain.papers.figures import NO_BREAK

WORDS: Final[dict[str, tuple[str, str, str, str]]] = {
    # What it is
    "invoice": ("Invoice", "Faktura – daňový doklad", "Facture", "Faktura"),
    "credit_note": ("Credit note", "Opravný daňový doklad", "Avoir", "Faktura korygująca"),
    "revision": ("revision {number}", "revize {number}", "révision {number}", "wersja {number}"),
    # Who and when
    "seller": ("Seller", "Dodavatel", "Vendeur", "Sprzedawca"),
    "buyer": ("Buyer", "Odběratel", "Client", "Nabywca"),
    "company_number": ("Company no.", "IČO", "N° d’entreprise", "Nr rejestrowy"),
    "vat_number": ("VAT no.", "DIČ", "N° TVA", "NIP / VAT UE"),
    "customer": ("Customer no.", "Číslo zákazníka", "N° client", "Nr klienta"),
    "issued_on": ("Issue date", "Datum vystavení", "Date d’émission", "Data wystawienia"),
    "taxable_on": (
        "Date of taxable supply",
        "Datum zdanitelného plnění",
        "Date d’exigibilité de la TVA",
        "Data obowiązku podatkowego",
    ),
    "period": ("Period", "Období", "Période", "Okres"),
    "means": ("Payment method", "Způsob úhrady", "Mode de paiement", "Sposób zapłaty"),
    "paid_on": ("Date of payment", "Datum úhrady", "Date de paiement", "Data zapłaty"),
    "refund_means": ("Refunded to", "Vráceno na", "Remboursé sur", "Zwrócono na"),
    "refunded_on": ("Date of refund", "Datum vrácení", "Date de remboursement", "Data zwrotu"),
    "reference": (
        "Payment reference",
        "Označení platby",
        "Référence du paiement",
        "Numer płatności",
    ),
    "corrects": ("Corrects invoice", "Opravuje doklad", "Rectifie la facture", "Koryguje fakturę"),
    "corrected": (
        "{number} of~{date}",
        "{number} ze~dne~{date}",
        "{number} du~{date}",
        "{number} z~dnia~{date}",
    ),
    "reason": ("Reason", "Důvod opravy", "Motif", "Przyczyna korekty"),
    "because_refund": ("Refund", "Vrácení platby", "Remboursement", "Zwrot płatności"),
    "because_dispute": (
        "Payment reversed after a dispute",
        "Platba odebrána po reklamaci",
        "Paiement annulé après contestation",
        "Płatność cofnięta po reklamacji",
    ),
    # What was sold
    "description": ("Description", "Popis", "Désignation", "Opis"),
    "quantity": ("Quantity", "Množství", "Quantité", "Ilość"),
    "unit_price": ("Unit price", "Cena za jednotku", "Prix unitaire HT", "Cena netto"),
    "vat": ("VAT", "DPH", "TVA", "VAT"),
    "net": ("Net amount", "Bez DPH", "Montant HT", "Wartość netto"),
    "agents": ("agents", "operátoři", "opérateurs", "konsultanci"),
    "conversations": (
        "extra chatbot conversations (packs)",
        "konverzace chatbota navíc (balíčky)",
        "conversations de chatbot en plus (lots)",
        "dodatkowe rozmowy z chatbotem (pakiety)",
    ),
    "subscription": ("Subscription", "Předplatné", "Abonnement", "Abonament"),
    "refund": (
        "Money returned for invoice {number}",
        "Vrácená platba za doklad {number}",
        "Remboursement de la facture {number}",
        "Zwrot płatności za fakturę {number}",
    ),
    "month": ("monthly", "měsíčně", "mensuel", "miesięcznie"),
    "year": ("yearly", "ročně", "annuel", "rocznie"),
    # What it costs
    "subtotal": ("Subtotal", "Mezisoučet", "Sous-total", "Suma częściowa"),
    "discount": (
        "Discount for unused time",
        "Sleva za nevyužité období",
        "Remise pour période non utilisée",
        "Rabat za niewykorzystany okres",
    ),
    "net_total": ("Total excl. VAT", "Celkem bez DPH", "Total HT", "Razem netto"),
    "total": ("Total incl. VAT", "Celkem s DPH", "Total TTC", "Razem brutto"),
    "credit_used": (
        "Paid from credit",
        "Uhrazeno z kreditu",
        "Réglé par crédit",
        "Opłacono ze środków na koncie",
    ),
    "paid": ("Paid", "Uhrazeno", "Payé", "Zapłacono"),
    "due": ("Amount due", "Zbývá uhradit", "Reste à payer", "Pozostało do zapłaty"),
    "refunded": ("Refunded", "Vráceno", "Remboursé", "Zwrócono"),
    "to_refund": ("Still to refund", "Zbývá vrátit", "Reste à rembourser", "Pozostało do zwrotu"),
    "card": ("Card", "Karta", "Carte", "Karta"),
    "wallet": (
        "Online wallet",
        "Internetová peněženka",
        "Portefeuille en ligne",
        "Portfel internetowy",
    ),
    "credit": ("Account credit", "Kredit na účtu", "Crédit du compte", "Środki na koncie"),
    # Tax
    "vat_summary": ("VAT summary", "Rekapitulace DPH", "Récapitulatif de TVA", "Podsumowanie VAT"),
    "rate": ("Rate", "Sazba", "Taux", "Stawka"),
    "base": ("Taxable amount", "Základ daně", "Base imposable", "Podstawa"),
    "reverse_charge": (
        "Reverse charge: the customer accounts for the VAT (Article~196, Directive 2006/112/EC).",
        "Daň odvede zákazník (přenesení daňové povinnosti, čl.~196 směrnice 2006/112/ES).",
        "Autoliquidation : TVA due par le preneur (article~196, directive 2006/112/CE).",
        "Odwrotne obciążenie: podatek rozlicza nabywca (art.~196 dyrektywy 2006/112/WE).",
    ),
    "outside": (
        "Not subject to EU VAT: the place of supply is outside the European Union.",
        "Není předmětem DPH: místo plnění je mimo Evropskou unii.",
        "Non soumis à la TVA de l’UE : lieu de prestation hors de l’Union européenne.",
        "Nie podlega VAT w UE: miejsce świadczenia poza Unią Europejską.",
    ),
    "consumer": (
        "VAT of the customer’s country ({country}), paid through the One Stop Shop.",
        "DPH státu zákazníka ({country}), odvedená ve zvláštním režimu jednoho správního místa.",
        "TVA du pays du client ({country}), acquittée via le guichet unique.",
        "VAT kraju nabywcy ({country}), rozliczany w procedurze OSS.",
    ),
    "home_tax": (
        "VAT in {currency}: {amount} (1 {foreign} = {rate} {currency}, {date}).",
        "DPH v {currency}: {amount} (1 {foreign} = {rate} {currency}, {date}).",
        "TVA en {currency} : {amount} (1 {foreign} = {rate} {currency}, {date}).",
        "Kwota VAT w {currency}: {amount} (1 {foreign} = {rate} {currency}, {date}).",
    ),
    "consultation": (
        "VAT number confirmed by VIES on {date}, consultation {number}.",
        "DIČ potvrzeno systémem VIES {date}, číslo ověření {number}.",
        "Numéro de TVA confirmé par VIES le {date}, consultation {number}.",
        "Numer VAT potwierdzony w VIES {date}, numer zapytania {number}.",
    ),
    # The rest
    "note": ("Note", "Poznámka", "Remarque", "Uwagi"),
    "page": (
        "Page {page} of {pages}",
        "Strana {page} z {pages}",
        "Page {page} sur {pages}",
        "Strona {page} z {pages}",
    ),
}


@cache
def words(locale: str) -> dict[str, str]:
    """The words of a language; those of English for a language that is not spoken here."""
    column = LOCALES.index(locale) if locale in LOCALES else 0
    return {key: row[column].replace("~", NO_BREAK) for key, row in WORDS.items()}
