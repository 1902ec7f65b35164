#!/bin/sh
# Calls the 23 forms of identity.TM's 18 methods with curl, as the document writes them ("API Reference, Version
# 2.10c"), and checks status and media type. identity_tm.py checks the bodies.
#
#   BASE=https://127.0.0.1:8443/api/2.10 ADMIN=http://127.0.0.1:8444 LOGIN=customer:code CURL_CA_BUNDLE=ca.pem \
#       sh identity_tm.sh FIXTURES
set -eu
fixtures=$1
failed=0

# expect STATUS MEDIA-TYPE METHOD PATH [options of curl]; the media type - matches any
expect() {
    status=$1 media=$2 method=$3 path=$4
    shift 4
    result=$(curl --silent --show-error --output "$body" --write-out '%{http_code} %{content_type}' \
        --user "$LOGIN" --request "$method" "$@" "$BASE$path")
    type=${result#* }
    type=${type%%;*}
    if [ "${result%% *}" = "$status" ] && { [ "$media" = - ] || [ "$type" = "$media" ]; }; then
        echo "ok      $method $path: $result"
    else
        echo "FAILED  $method $path: $result, not $status $media"
        failed=1
    fi
}

play() {
    curl --silent --show-error --fail --output /dev/null --data "{\"story\":\"$2\"}" "$ADMIN/_sandbox/v1/orders/$1/transition"
}

settings() {
    curl --silent --show-error --fail --output /dev/null --data "{\"identity_tm\":$1}" "$ADMIN/_sandbox/v1/settings"
}

# place BODY: sets $order to the id
place() {
    expect 202 application/json PUT /putOrder --header 'Content-Type: application/json' --data-binary "$1"
    order=$(sed -n 's/.*"OrderID" *: *"\([^"]*\)".*/\1/p' "$body")
}

body=$(mktemp)
trap 'rm -f "$body"' EXIT
pdf=$(printf '%s\n' '%PDF-1.4' '1 0 obj' '<< /Type /Catalog /Pages 2 0 R >>' 'endobj' '2 0 obj' \
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>' 'endobj' '3 0 obj' \
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>' 'endobj' 'xref' '0 4' '0000000000 65535 f ' \
    '0000000009 00000 n ' '0000000058 00000 n ' '0000000115 00000 n ' 'trailer' '<< /Size 4 /Root 1 0 R >>' \
    'startxref' '186' '%%EOF' | base64 | tr -d '\n')
person='"Email":"e.mustermann@example.com","Mobile":"+491711234567",
    "Address":{"Firstname":"Erika","Surname":"Mustermann","Country":"DE"},
    "IdentData":{"Firstname":"Erika","Surname":"Mustermann","Birthdate":"1964-08-12"}'

# An order with a recorded video identification.
place "@$fixtures/S-035-put-order-request.json"
place "{\"Product\":12,\"Add\":131072,$person}"
play "$order" positive
expect 200 application/json GET "/getStatus/$order"
expect 200 application/json GET "/getStatus/$order/ExtendedList"
expect 200 application/json GET "/getIdentData/$order"
expect 200 application/json GET "/getIdentData/$order/IncludeInitialData"
expect 200 application/json GET "/getIdentData/$order/IncludeIdentifyMethod"
expect 200 - GET "/getIdentData/$order/Signed"
expect 200 application/pdf GET "/getIdentDataPDF/$order"
expect 200 video/mp4 GET "/getVideoFileBinary/$order"
expect 200 - POST "/getVideoFileBinaryAsync/$order" --data '{"callbackUrl":"http://127.0.0.1:9/video"}'
expect 400 application/json GET "/getVoiceFiles/$order"
settings '{"voice_files":true}'
expect 200 application/json GET "/getVoiceFiles/$order"
settings '{"voice_files":false}'
expect 406 application/json POST "/cancelOrder/$order"
expect 202 - DELETE "/delIdentdata/$order"
expect 404 application/json DELETE "/delIdentdata/$order"

# One document, several, and a hash, signed with a TAN.
for wanted in "eSignPDF\":{\"Data\":\"$pdf\",\"Filename\":\"contract.pdf\"}" \
    "eSignPDF\":[{\"Data\":\"$pdf\",\"Filename\":\"a.pdf\"},{\"Data\":\"$pdf\",\"Filename\":\"b.pdf\"}]" \
    "eSignHash\":{\"Hash\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\",\"Filename\":\"contract\"}"; do
    place "{\"Product\":15,\"Add\":0,\"$wanted,$person}"
    expect 406 application/json POST "/requestSign/$order"
    expect 412 application/json POST "/confirmSign/$order" --data '{"tan":"123456"}'
    play "$order" identified
    expect 202 - POST "/requestSign/$order"
    expect 202 - POST "/requestResendSignTan/$order"
    tan=$(curl --silent --show-error --fail "$ADMIN/_sandbox/v1/tans?order=$order" | tr -dc '0-9"' | sed 's/.*"\([0-9]\{6\}\)".*/\1/')
    expect 202 - POST "/confirmSign/$order" --data "{\"tan\":\"$tan\"}"
    expect 410 application/json POST "/requestSign/$order"
    case $wanted in
        *'PDF":{'*) expect 200 application/pdf GET "/getESignPDF/$order" ;;
        *'PDF":['*) expect 200 application/json GET "/getESignPDF/$order" ;;
        *) expect 200 application/json GET "/getESignHash/$order" ;;
    esac
done

place "{\"Product\":12,\"Add\":0,$person}"
expect 400 application/json GET "/getIdentData/$order"
expect 202 - POST "/cancelOrder/$order"

expect 200 application/json POST /getAllStatus
expect 200 application/json POST /getAllStatus/ExtendedList
expect 304 - POST /getAllStatus/ExtendedList
expect 200 application/json POST /getAllStatus --data '{"Period":{"Begin":"2016-01-01T00:00:00+01:00"}}'
expect 200 - GET /serverStatus
expect 200 application/json GET /getBankList
expect 200 application/json POST /checkSignmeUser --data "@$fixtures/S-078-check-signme-user-request.json"
expect 404 application/json GET /getStatus/99920000000000
LOGIN=nobody:wrong
expect 401 application/json GET /getBankList
exit "$failed"
