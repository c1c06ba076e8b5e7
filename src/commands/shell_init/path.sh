case ${PATH-} in
  @FOLDER@:*) ;;
  *) PATH=@FOLDER@${PATH:+":$PATH"}; export PATH;;
esac;
